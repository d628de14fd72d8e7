"""One line of the list of application forms. Pure except for the row that is passed in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

from forms.states import Standing, State, state_of
from partner_engine.web.pages.quote_facts import NOT_SENT, QuoteFacts, shown_requests, state_word
from partner_engine.web.pages.quote_grid import best_per_line
from partner_engine.web.pages.quote_states import Clock
from partner_engine.web.pages.shell import best_products
from presentation.formats import moment, money
from presentation.product_names import carrier_and_line
from presentation.state_words import FORM_STATES
from rules.definition.model import CompiledCatalogue

#: The filters by quotes: their words, and the states of quotes of which the copy has one.
QUOTE_STATES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "quoted": ("Quoted", ("quoted", "selected")),
    "referred": ("Referred", ("referred",)),
    "stale": ("Quotes stale", ("stale",)),
    "bound": ("Bound", ("bound",)),
}
#: The saved views above the list: the filter and the word of each.
TABS: Final = (
    ("", "All"),
    ("ready", "Ready"),
    ("quoted", "Quoted"),
    ("referred", "Referred"),
    ("stale", "Stale"),
    ("bound", "Bound"),
    ("deleted", "Deleted"),
)
_TONES: Final[dict[State, str]] = {
    "incomplete": "needed",
    "ready": "ready",
    "declined": "decline",
    "locked": "",
    "deleted": "",
}


class ListedCopy(Protocol):
    """The fields of a listed copy that a line shows."""

    id: UUID
    title: str
    locked_at: datetime | None
    deleted_at: datetime | None
    last_touched_by_user_at: datetime | None
    updated_at: datetime
    summary: dict[str, Any]


@dataclass(frozen=True)
class FormLine:
    """One application form in the list."""

    id: str
    insured: str
    title: str
    lines: str
    state: str
    tone: str
    touched: str
    touched_at: str
    note: str = ""
    premium: str = ""
    premium_kind: str = ""


def build_form_line(
    copy: ListedCopy,
    catalogue: CompiledCatalogue | None,
    *,
    insured: str | None,
    clock: Clock,
    quotes: tuple[QuoteFacts, ...] = (),
) -> FormLine:
    """Return the line of ``copy`` with its ``quotes``, whose line codes ``catalogue`` names; ``insured`` is the name
    that may be shown.
    """
    summary = copy.summary
    standing: Standing = summary.get("standing", "incomplete")
    state = state_of(deleted=copy.deleted_at is not None, locked=copy.locked_at is not None, standing=standing)
    needed = summary.get("needed", 0)
    touched = copy.last_touched_by_user_at or copy.updated_at
    word = f"{needed} needed" if state == "incomplete" and needed else FORM_STATES[state]
    if state == "ready" and catalogue is not None and not catalogue.products:
        word = "Complete"
    quoted, tone = state_word(quotes) if state not in ("deleted", "locked") else ("", "")
    premium, kind = _premium(catalogue, copy, quotes)
    return FormLine(
        id=str(copy.id),
        insured=insured or copy.title or "New application",
        title=copy.title if insured and insured != copy.title else "",
        lines=", ".join(_line_words(summary.get("lines", []), catalogue)),
        state=quoted or word,
        tone=tone if quoted else _TONES[state],
        touched=moment(touched, clock.zone, now=clock.now),
        touched_at=touched.isoformat(),
        note=_note(catalogue, quotes) if quoted else "",
        premium=premium,
        premium_kind=kind,
    )


def _note(catalogue: CompiledCatalogue | None, quotes: tuple[QuoteFacts, ...]) -> str:
    """Return the one thing that matters beside the state: how many carriers answered, or who has the quote."""
    shown = [found for found in shown_requests(quotes) if found.state not in NOT_SENT]
    bound = [found for found in shown if found.state == "bound"]
    referred = [found for found in shown if found.state == "referred"]
    offered = [found for found in shown if found.is_offered]
    if catalogue is None:
        return ""
    if bound:
        return carrier_and_line(catalogue, bound[0].product)[0]
    if offered:
        return f"{len(offered)} of {len(shown)}"
    if referred:
        return carrier_and_line(catalogue, referred[0].product)[0]
    stale = [found for found in shown if found.state == "stale"]
    return stale[0].reason if stale else ""


def _premium(
    catalogue: CompiledCatalogue | None, copy: ListedCopy, quotes: tuple[QuoteFacts, ...]
) -> tuple[str, str]:  # fmt: skip
    """Return the sum of the best quotes of the lines and its kind: ``firm``, ``gone`` for stale ones, or ``ours`` for
    our indication.
    """
    if catalogue is None:
        return "", ""
    currency = catalogue.definition.currency
    known = tuple(found for found in shown_requests(quotes) if found.product in catalogue.products)
    best, kind = best_per_line(catalogue, known)
    if best is not None:
        return money(best, currency), "firm" if kind == "bindable" else "open"
    stale, _ = best_per_line(catalogue, [replace(found, state="quoted") for found in known if found.state == "stale"])
    if stale is not None:
        return money(stale, currency), "gone"
    ours = best_products(catalogue, copy.summary)
    return (money(sum(ours.values()), currency), "ours") if ours else ("", "")


def _line_words(codes: object, catalogue: CompiledCatalogue | None) -> list[str]:
    labels = {line.code: line.label for line in catalogue.definition.lines} if catalogue else {}
    return [labels.get(str(code), str(code)) for code in codes] if isinstance(codes, list) else []
