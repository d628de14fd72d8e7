"""The clients of carriers, one class per link mode. Every method is a coroutine for the loop of ``loop.run``.

All raise ``CarrierError``. They use no database connection, and the caller holds no lock and no transaction.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote as encoded

import msgspec

from carriers.links.caller import call
from carriers.links.exchange import Request
from carriers.links.link import CallContext, Link, LinkMode
from carriers.links.wire import (
    Binding,
    BindSubmission,
    Eligibility,
    EligibilityQuery,
    Quote,
    QuoteSubmission,
)

_QUOTES: Final = "/v1/quotes"
_JSON: Final = {"Content-Type": "application/json"}
#: So many turns of the pace the later calls of an exchange wait at most: more than a process has calls in flight.
_MOST_TURNS: Final = 20
_encode: Final = msgspec.json.Encoder().encode
_quote: Final = msgspec.json.Decoder(Quote).decode
_binding: Final = msgspec.json.Decoder(Binding).decode
_eligibility: Final = msgspec.json.Decoder(Eligibility).decode


class CarrierClient:
    """Calls one carrier. In an exchange of several calls, those after the first wait for the carrier's pace."""

    def __init__(self, link: Link, *, is_exchange: bool = False) -> None:
        """Take the settings of the link. ``is_exchange``: all calls of this client belong together. Under a slow pace,
        exchanges that begin anew with their first call would take each other's turns and never come to the second.
        """
        self.link = link
        self._is_exchange = is_exchange
        self._has_called = False

    async def submit(self, submission: QuoteSubmission, *, context: CallContext) -> Quote:
        """Request a quote and return its first state.

        Raises ``OutcomeUnknown`` where the carrier may have accepted it: call ``find`` before sending again.
        """
        quote: Quote = await self._call(
            Request(
                operation="submit",
                method="POST",
                path=_QUOTES,
                is_safe=False,
                content=_encode(self.prepared(submission)),
                headers={**_JSON, "Idempotency-Key": submission.request_token},
                decode=_quote,
            ),
            context,
        )
        return quote

    async def find(self, request_token: str, *, context: CallContext) -> Quote | None:
        """Return the carrier's quote of this request token, or None if it has never accepted one."""
        path = f"{_QUOTES}?request_token={_part(request_token)}"
        quote: Quote | None = await self._read("find", path, _quote, context)
        return quote

    async def refresh(self, reference: str, *, context: CallContext) -> Quote | None:
        """Return the present state of a quote, or None if the carrier does not know it."""
        quote: Quote | None = await self._read("refresh", f"{_QUOTES}/{_part(reference)}", _quote, context)
        return quote

    async def withdraw(self, reference: str, *, context: CallContext) -> Quote:
        """Withdraw a quote. Repeating it is harmless."""
        path = f"{_QUOTES}/{_part(reference)}/withdraw"
        quote: Quote = await self._call(
            Request(operation="withdraw", method="POST", path=path, is_safe=True, decode=_quote), _plain(context)
        )
        return quote

    async def bind(self, reference: str, submission: BindSubmission, *, context: CallContext) -> Binding:
        """Bind a quote. Raises ``OutcomeUnknown`` where it may be bound: call ``find_binding`` first."""
        binding: Binding = await self._call(
            Request(
                operation="bind",
                method="POST",
                path=f"{_QUOTES}/{_part(reference)}/bind",
                is_safe=False,
                content=_encode(submission),
                headers={**_JSON, "Idempotency-Key": submission.bind_token},
                decode=_binding,
            ),
            context,
        )
        return binding

    async def find_binding(self, reference: str, bind_token: str, *, context: CallContext) -> Binding | None:
        """Return the binding of this bind token, or None if the carrier has never accepted one."""
        path = f"{_QUOTES}/{_part(reference)}/binding?bind_token={_part(bind_token)}"
        binding: Binding | None = await self._read("find_binding", path, _binding, context)
        return binding

    async def check_eligibility(self, product: str, risk: dict[str, Any], *, context: CallContext) -> Eligibility:
        """Return the carrier's view of a risk. Nothing is stored at the carrier."""
        eligibility: Eligibility = await self._call(
            Request(
                operation="eligibility",
                method="POST",
                path="/v1/eligibility",
                is_safe=True,
                content=_encode(EligibilityQuery(product=product, risk=risk)),
                headers=_JSON,
                decode=_eligibility,
            ),
            context,
        )
        return eligibility

    def prepared(self, submission: QuoteSubmission) -> QuoteSubmission:
        """Return the submission as this mode sends it: without an address for callbacks."""
        return msgspec.structs.replace(submission, callback_url=None)

    async def _read(self, operation: str, path: str, decode: Any, context: CallContext) -> Any:
        request = Request(
            operation=operation, method="GET", path=path, is_safe=True, may_be_missing=True, decode=decode
        )
        return await self._call(request, _plain(context))

    async def _call(self, request: Request, context: CallContext) -> Any:
        if self._is_exchange and self._has_called:
            context = replace(context, patience=max(context.patience, _MOST_TURNS * 60 / self.link.per_minute))
        self._has_called = True
        return await call(self.link, request, context)


class SyncClient(CarrierClient):
    """A carrier that quotes in its response."""


class PollClient(CarrierClient):
    """A carrier that accepts, and is polled with ``refresh``."""


class CallbackClient(CarrierClient):
    """A carrier that accepts, and calls back; ``refresh`` works as well."""

    def prepared(self, submission: QuoteSubmission) -> QuoteSubmission:
        """Return the submission with its address for callbacks."""
        return submission


class ManualClient(CarrierClient):
    """A carrier whose underwriter responds by hand, possibly days later; ``refresh`` works as well."""


def _part(text: str) -> str:
    """Return ``text`` as one part of a path or a query: a reference comes from the carrier and can contain anything."""
    # A lone "." or ".." would be resolved away as a path.
    return encoded(text, safe="").replace(".", "%2E")


def _plain(context: CallContext) -> CallContext:
    """Return the context for a request without a body."""
    return replace(context, logged_body=None)


_CLIENTS: Final = {
    LinkMode.SYNC: SyncClient,
    LinkMode.POLL: PollClient,
    LinkMode.CALLBACK: CallbackClient,
    LinkMode.MANUAL: ManualClient,
}


def client_of(link: Link, *, is_exchange: bool = False) -> CarrierClient:
    """Return the client of the link's mode, for calls one by one or for one exchange of several calls."""
    return _CLIENTS[link.mode](link, is_exchange=is_exchange)
