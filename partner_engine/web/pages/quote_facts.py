"""The fields of a quote request that pages show, from any of its rows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Protocol

from forms.status_order import STEPS, QuoteStep, step_of
from presentation.best_premiums import OFFERED

#: States in which the carrier has not answered for good.
RUNNING: Final = STEPS["requested"]
#: States with an answer that counts now.
ANSWERED: Final = frozenset({"quoted", "referred", "declined", "blocked", "selected", "bound"})
#: States from which the carrier is asked again.
ASKED_AGAIN: Final = frozenset({"stale", "expired", "failed"})
#: States without a request at the carrier: the product can be requested anew.
NOT_SENT: Final = frozenset({"draft", "withdrawn"})


@dataclass(frozen=True, kw_only=True)
class QuoteFacts:
    """One quote request of the copy ``copy_id``. ``asked`` and ``changes`` are as the record stores them."""

    id: str
    copy_id: str
    product: str
    carrier: str
    state: str
    created_at: datetime
    updated_at: datetime
    premium: int | None = None
    is_bindable: bool = False
    reason: str = ""
    asked: tuple[Mapping[str, Any], ...] = ()
    indication: int | None = None
    estimate: int | None = None
    valid_until: date | None = None
    submitted_at: datetime | None = None
    answered_at: datetime | None = None
    firm_at: datetime | None = None
    attempts: int = 0
    next_attempt_at: datetime | None = None
    changes: tuple[Mapping[str, Any], ...] = ()
    reasons: tuple[Mapping[str, Any], ...] = ()
    carrier_reference: str = ""
    request_token: str = ""
    sequence: int = 0
    previous_references: tuple[str, ...] = ()
    policy_number: str = ""

    @property
    def is_offered(self) -> bool:
        """Return whether the quote has a premium that counts now."""
        return self.state in OFFERED and self.premium is not None

    @property
    def can_be_bound(self) -> bool:
        """Return whether the quote can be bound now."""
        return self.state in ("quoted", "selected") and self.is_bindable and self.premium is not None


class Gate(Protocol):
    """A reason outside of the rules for which the agency cannot place a product."""

    @property
    def code(self) -> str:
        """Return ``not_licensed`` or ``not_appointed``."""
        ...

    @property
    def text(self) -> str:
        """Return the reason as a sentence."""
        ...


#: How far the quotes of a copy are, in one word, and its color; in the order of the work.
STEP_WORDS: Final[Mapping[QuoteStep, tuple[str, str]]] = {
    "requested": ("Quotes requested", ""),
    "stale": ("Quotes stale", "decline"),
    "referred": ("Referred", "refer"),
    "quoted": ("Quoted", "ready"),
    "bound": ("Bound", "bound"),
}
_LISTS: Final = ("asked", "changes", "reasons", "previous_references")
_FIELDS: Final = tuple(name for name in QuoteFacts.__dataclass_fields__ if name not in ("id", "copy_id"))


def facts_of(row: Any, *, copy_id: str, state: str) -> QuoteFacts:
    """Return the facts of ``row``, a record of the batch or a row of the table, in its shown ``state``."""
    values = {name: getattr(row, name) for name in _FIELDS}
    for name in _LISTS:
        values[name] = tuple(values[name] or ())
    return QuoteFacts(id=str(row.id), copy_id=copy_id, **{**values, "state": state})


def shown_requests(requests: tuple[QuoteFacts, ...]) -> tuple[QuoteFacts, ...]:
    """Return the requests that a list shows, oldest first: a withdrawn one only if its product has no later request."""
    latest: dict[tuple[str, str], QuoteFacts] = {}
    for request in sorted(requests, key=lambda found: (found.created_at, found.id)):
        latest[request.copy_id, request.product] = request
    kept = {found.id for found in latest.values()}
    return tuple(found for found in requests if found.state != "withdrawn" or found.id in kept)


def count_requests(requests: tuple[QuoteFacts, ...]) -> int:
    """Return the number of requests that went, or are about to go, to a carrier."""
    return sum(found.state not in NOT_SENT for found in requests)


def state_word(requests: tuple[QuoteFacts, ...]) -> tuple[str, str]:
    """Return how far the quotes of a copy are, in one word and its color; "" before the first request.

    The furthest counts: bound, quoted, referred, running, then what needs the agent.
    """
    return STEP_WORDS.get(step_of({found.state for found in requests}), ("", ""))
