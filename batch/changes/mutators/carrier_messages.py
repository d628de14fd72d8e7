"""Applies a carrier's message to a quote request: what it reports, cleaned and bounded. Pure.

Nothing of a carrier is trusted: texts are cleaned, lists are cut, and a price counts only where there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, Protocol, TypeAlias

from batch.changes.free_texts import clean_foreign_text
from carriers.links.wire import Change, Quote, QuoteStatus, Reason
from rules.payload import Source

MOST_CHANGES: Final = 20
#: A decline is explained by at most four specific reasons.
MOST_REASONS: Final = 4
MOST_REFERENCES: Final = 20
_TEXT: Final = 300
_CODE: Final = 64
_CURRENCY: Final = "USD"

#: Returns the question that a field on the wire sends, None for one that is unknown or computed.
FindSource: TypeAlias = Callable[[str], Source | None]
#: The fields that a carrier reports, before it has reported anything.
NOTHING_REPORTED: Final[Mapping[str, Any]] = {
    "carrier_state": "",
    "sequence": 0,
    "estimate": None,
    "premium": None,
    "is_bindable": False,
    "valid_until": None,
    "changes": [],
    "reasons": [],
    "answered_at": None,
    "firm_at": None,
}


class Received(StrEnum):
    """The results of receiving a carrier's message."""

    APPLIED = "applied"
    #: The same sequence was applied before.
    REPEATED = "repeated"
    OLDER = "older"
    #: It is about an earlier request for the same quote.
    SUPERSEDED = "superseded"
    #: The request has ended here.
    ENDED = "ended"


class Reported(Protocol):
    """The part of a quote request that a message depends on."""

    @property
    def state(self) -> str: ...
    @property
    def carrier_state(self) -> str: ...
    @property
    def request_token(self) -> str: ...
    @property
    def sequence(self) -> int: ...
    @property
    def carrier_reference(self) -> str: ...
    @property
    def previous_references(self) -> list[str]: ...
    @property
    def estimate(self) -> int | None: ...
    @property
    def firm_at(self) -> datetime | None: ...


def judge(row: Reported, quote: Quote) -> Received:
    """Return whether ``quote`` is to be applied to ``row``, or why not. A carrier may revive what it has withdrawn."""
    if quote.request_token != row.request_token:
        return Received.SUPERSEDED
    if row.state in ("draft", "queued") or (row.state == "withdrawn" and row.carrier_state != "withdrawn"):
        return Received.ENDED
    if row.carrier_state and quote.sequence <= row.sequence:
        return Received.REPEATED if quote.sequence == row.sequence else Received.OLDER
    return Received.APPLIED


def report_of(row: Reported, quote: Quote, *, find_source: FindSource, now: datetime, today: date) -> dict[str, Any]:
    """Return the columns of ``row`` after ``quote``; ``carrier_state`` is the state that it leads to."""
    premium = _amount(quote)
    state = _state(quote, premium, today)
    is_firm = premium is not None and quote.status is QuoteStatus.QUOTED
    is_estimate = premium is not None and quote.status in (QuoteStatus.ESTIMATED, QuoteStatus.REFERRED)
    reasons = _reasons(quote.reasons)
    return {
        "carrier_state": state,
        "sequence": quote.sequence,
        **_references(row, quote),
        "estimate": premium if is_estimate else row.estimate,
        "premium": premium if is_firm else None,
        "is_bindable": is_firm and quote.is_bindable,
        "valid_until": quote.valid_until,
        "changes": [_change(change, find_source(change.field)) for change in quote.changes[:MOST_CHANGES]],
        "reasons": reasons,
        "reason": _sentence(reasons, quote, state),
        "answered_at": None if state == "submitted" else now,
        "firm_at": (row.firm_at or now) if is_firm else row.firm_at,
        "next_attempt_at": None,
    }


def _state(quote: Quote, premium: int | None, today: date) -> str:
    status = quote.status
    if status in (QuoteStatus.QUOTED, QuoteStatus.ESTIMATED):
        if premium is None:
            return "referred"
        is_over = quote.valid_until is not None and quote.valid_until < today
        return "expired" if is_over else status.value
    return "submitted" if status is QuoteStatus.RECEIVED else status.value


def _amount(quote: Quote) -> int | None:
    """Return the premium, None without one in the currency of the product."""
    premium = quote.premium
    return premium.amount if premium is not None and premium.currency == _CURRENCY and premium.amount > 0 else None


def earlier_references(row: Reported, *more: str, than: str = "") -> list[str]:
    """Return the carrier's references before ``than``, oldest first: those of ``row``, and ``more``."""
    references = [*row.previous_references, *more, row.carrier_reference]
    return [*dict.fromkeys(one for one in references if one and one != than)][-MOST_REFERENCES:]


def _references(row: Reported, quote: Quote) -> dict[str, Any]:
    """Return the carrier's reference, and the earlier ones: a re-quote may change it."""
    reference = clean_foreign_text(quote.reference, most=100)
    previous = clean_foreign_text(quote.previous_reference or "", most=100)
    return {"carrier_reference": reference, "previous_references": earlier_references(row, previous, than=reference)}


def _change(change: Change, source: Source | None) -> dict[str, Any]:
    field = clean_foreign_text(change.field, most=200)
    return {
        "field": field,
        "path": source.path if source else "",
        "label": source.label if source else field.replace("_", " ").capitalize(),
        "asked": _shown(change.asked),
        "offered": _shown(change.offered),
        "reason": clean_foreign_text(change.reason, most=_TEXT),
    }


def _shown(value: str | float | bool | None) -> str | int | float | bool | None:
    return clean_foreign_text(value, most=_TEXT) if isinstance(value, str) else value


def _reasons(reasons: Sequence[Reason]) -> list[dict[str, Any]]:
    cleaned = [
        {"code": clean_foreign_text(one.code, most=_CODE), "text": clean_foreign_text(one.text, most=_TEXT)}
        for one in reasons
    ]
    return [one for one in cleaned if one["text"] or one["code"]][:MOST_REASONS]


def _sentence(reasons: Sequence[Mapping[str, Any]], quote: Quote, state: str) -> str:
    """Return the carrier's reasons as one text, or our own where it sent none that explains the state."""
    text = " ".join(str(one["text"] or one["code"]) for one in reasons)[:500]
    if not text and state == "referred" and quote.status is not QuoteStatus.REFERRED:
        return "The carrier sent no premium."
    return text
