"""The clients of carriers, one class per link mode. Every method is a coroutine for the loop of ``loop.run``.

All raise ``CarrierError``. They use no database connection, and the caller holds no lock and no transaction.
"""

from __future__ import annotations

from typing import Any

from carriers.links.link import CallContext, Link, LinkMode
from carriers.links.wire import Binding, BindSubmission, Eligibility, Quote, QuoteSubmission


class CarrierClient:
    """Calls one carrier."""

    def __init__(self, link: Link) -> None:
        """Take the settings of the link."""
        self.link = link

    async def submit(self, submission: QuoteSubmission, *, context: CallContext) -> Quote:
        """Request a quote and return its first state.

        Raises ``OutcomeUnknown`` where the carrier may have accepted it: call ``find`` before sending again.
        """
        raise NotImplementedError

    async def find(self, request_token: str, *, context: CallContext) -> Quote | None:
        """Return the carrier's quote of this request token, or None if it has never accepted one."""
        raise NotImplementedError

    async def refresh(self, reference: str, *, context: CallContext) -> Quote | None:
        """Return the present state of a quote, or None if the carrier does not know it."""
        raise NotImplementedError

    async def withdraw(self, reference: str, *, context: CallContext) -> Quote:
        """Withdraw a quote. Repeating it is harmless."""
        raise NotImplementedError

    async def bind(self, reference: str, submission: BindSubmission, *, context: CallContext) -> Binding:
        """Bind a quote. Raises ``OutcomeUnknown`` where it may be bound: call ``find_binding`` first."""
        raise NotImplementedError

    async def find_binding(self, reference: str, bind_token: str, *, context: CallContext) -> Binding | None:
        """Return the binding of this bind token, or None if the carrier has never accepted one."""
        raise NotImplementedError

    async def check_eligibility(self, product: str, risk: dict[str, Any], *, context: CallContext) -> Eligibility:
        """Return the carrier's view of a risk. Nothing is stored at the carrier."""
        raise NotImplementedError


class SyncClient(CarrierClient):
    """A carrier that quotes in its response."""


class PollClient(CarrierClient):
    """A carrier that accepts, and is polled with ``refresh``."""


class CallbackClient(CarrierClient):
    """A carrier that accepts, and calls back; ``refresh`` works as well."""


class ManualClient(CarrierClient):
    """A carrier whose underwriter responds by hand; ``refresh`` works as well."""


_CLIENTS = {
    LinkMode.SYNC: SyncClient,
    LinkMode.POLL: PollClient,
    LinkMode.CALLBACK: CallbackClient,
    LinkMode.MANUAL: ManualClient,
}


def client_of(link: Link) -> CarrierClient:
    """Return the client of the link's mode."""
    return _CLIENTS[link.mode](link)
