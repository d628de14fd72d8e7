"""The scopes of rate limits with their defaults: what is counted, and how often it may happen. Pure.

Staff change the numbers in the admin (``tenants.limit_models``); code only names a scope.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """At most ``amount`` per caller in any ``window`` seconds; ``per_address`` for all signed-in callers of one
    address together, None to not count addresses.
    """

    amount: int
    window: int
    per_address: int | None = None

    def scaled(self, factor: float) -> Limit:
        """Return the limit with ``factor`` times the amounts, rounded up."""
        if factor == 1:
            return self
        shared = None if self.per_address is None else ceil(self.per_address * factor)
        return Limit(amount=ceil(self.amount * factor), window=self.window, per_address=shared)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """A kind of use with its default limit and a text for staff.

    A scope ``at_once`` limits how many there are at the same time; the window of its limit means nothing.
    """

    name: str
    text: str
    default: Limit
    at_once: bool = False


def _at_once(name: str, amount: int, text: str) -> Scope:
    return Scope(name=name, text=text, default=Limit(amount=amount, window=1), at_once=True)


def _scope(name: str, amount: int, window: int, per_address: int | None, text: str) -> Scope:
    return Scope(name=name, text=text, default=Limit(amount=amount, window=window, per_address=per_address))


GENERAL: Final = "general"
PAGES: Final = "pages"
AUTH: Final = "auth"
UPLOAD: Final = "upload"
EXPORT: Final = "export"
SEARCH: Final = "search"
REALTIME: Final = "realtime"
TICKETS: Final = "tickets"
BATCH: Final = "batch"
BATCH_ITEMS: Final = "batch_items"
OPEN_OPERATIONS: Final = "open_operations"
WHAT_IF: Final = "what_if"
MCP: Final = "mcp"
GUEST_SESSION: Final = "guest_session"
FORM_CREATION: Final = "form_creation"
WEBHOOK_TEST: Final = "webhook_test"
WEBHOOK_REPLAY: Final = "webhook_replay"
GUESSES: Final = "guesses"
ACCOUNT_MAILS: Final = "account_mails"

SCOPES: Final[Mapping[str, Scope]] = {
    scope.name: scope
    for scope in (
        _scope(GENERAL, 100, MINUTE, 1_000, "Requests to the API."),
        _scope(PAGES, 1_200, MINUTE, 12_000, "Pages and their parts; a form is saved at each change of a field."),
        _scope(AUTH, 5, 15 * MINUTE, 100, "Attempts to sign in, per email address and network address."),
        _scope(UPLOAD, 10, HOUR, 100, "Uploads of files."),
        _scope(EXPORT, 20, HOUR, 200, "Exports."),
        _scope(SEARCH, 200, MINUTE, 2_000, "Searches, counted in place of the general scope."),
        _scope(REALTIME, 30, MINUTE, 300, "Sockets that are opened."),
        _scope(TICKETS, 30, MINUTE, 300, "Tickets for sockets."),
        _scope(BATCH, 10, HOUR, None, "Operations over many forms."),
        _scope(BATCH_ITEMS, 10_000, MINUTE, None, "Items of operations over many forms."),
        _at_once(OPEN_OPERATIONS, 20, "Operations of one tenant that wait or run, at the same time."),
        _scope(WHAT_IF, 30, HOUR, 300, "Reports on what an answer, or a draft, would change in all open forms."),
        _scope(MCP, 200, MINUTE, 2_000, "Messages of AI agents; what their tools do counts in the other scopes too."),
        _scope(GUEST_SESSION, 1, 5 * MINUTE, 20, "Sessions that are started with one guest link."),
        _scope(FORM_CREATION, 50, DAY, None, "Application forms that are created one at a time."),
        _scope(WEBHOOK_TEST, 10, MINUTE, None, "Test deliveries to a webhook endpoint."),
        _scope(WEBHOOK_REPLAY, 10, MINUTE, None, "Replays of webhook deliveries."),
        _scope(ACCOUNT_MAILS, 3, HOUR, 20, "Mails with links, per email and network address; invitations per tenant."),
        _scope(GUESSES, 5, 15 * MINUTE, None, "Attempts at a secret: client secrets, digits of guest links."),
    )
}
