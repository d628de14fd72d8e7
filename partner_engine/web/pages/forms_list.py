"""One line of the list of application forms. Pure except for the row that is passed in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final, Protocol
from uuid import UUID

from forms.states import Standing, State, state_of
from partner_engine.web.pages.quote_facts import NOT_SENT, STEP_WORDS, QuoteFacts, shown_requests, state_word
from partner_engine.web.pages.quote_grid import best_per_line
from partner_engine.web.pages.quote_states import Clock
from presentation.best_premiums import best_products
from presentation.business import Business
from presentation.formats import moment, money
from presentation.product_names import carrier_and_line
from presentation.state_words import FORM_STATES
from rules.definition.model import CompiledCatalogue
from rules.reference_data import industries

#: The statuses by which the list can be filtered, in their order.
FILTER_STATES: Final[dict[str, str]] = {
    "incomplete": FORM_STATES["incomplete"],
    "ready": FORM_STATES["ready"],
    **{step: word for step, (word, _) in STEP_WORDS.items()},
    "declined": FORM_STATES["declined"],
    "locked": FORM_STATES["locked"],
}
_TONES: Final[dict[State, str]] = {
    "incomplete": "needed",
    "ready": "ready",
    "declined": "decline",
    "locked": "",
    "deleted": "",
}


#: Longer codes of lines are words, not abbreviations.
_ABBREVIATION: Final = 3
#: A day of another year within so many days needs no year.
_FAR_DAYS: Final = 180


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
class LineWord:
    """A line of business: its short word, and its label."""

    short: str
    label: str


@dataclass(frozen=True)
class Owner:
    """The owner of a form."""

    initials: str
    name: str
    is_reader: bool


@dataclass(frozen=True)
class FormLine:
    """One application form in the list."""

    id: str
    insured: str
    title: str
    below: str
    lines: tuple[LineWord, ...]
    state: str
    tone: str
    touched: str
    touched_at: str
    note: str = ""
    premium: str = ""
    premium_kind: str = ""
    starts: str = ""
    starts_on: str = ""
    owner: Owner | None = None
    is_test: bool = False


@dataclass(frozen=True, kw_only=True)
class LineFacts:
    """What a line shows besides the copy: the ``business`` as the reader may see it, its ``quotes``, its owner, whether
    a guest is to answer, whether the form is deleted or a test form, and whether the reader may see its lines.
    """

    business: Business
    quotes: tuple[QuoteFacts, ...] = ()
    owner: Owner | None = None
    waits_for_guest: bool = False
    is_deleted: bool = False
    is_test: bool = False
    shows_lines: bool = True


def build_form_line(
    copy: ListedCopy, catalogue: CompiledCatalogue | None, facts: LineFacts, *, clock: Clock
) -> FormLine:
    """Return the line of ``copy``, whose line codes ``catalogue`` names."""
    business = facts.business
    touched = copy.last_touched_by_user_at or copy.updated_at
    state, tone, note = _status(copy, catalogue, facts)
    premium, kind = _premium(catalogue, copy, facts.quotes)
    starts_on = business.starts_on
    place = " ".join(filter(None, (business.city, business.us_state)))
    return FormLine(
        id=str(copy.id),
        insured=business.insured or copy.title or "New application",
        title=copy.title if business.insured and business.insured != copy.title else "",
        below=" · ".join(filter(None, (industries().get(business.trade or "", ""), place))),
        lines=_line_words(copy.summary.get("lines", []) if facts.shows_lines else [], catalogue),
        state=state,
        tone=tone,
        touched=moment(touched, clock.zone, now=clock.now),
        touched_at=touched.isoformat(),
        note=note,
        premium=premium,
        premium_kind=kind,
        starts=_day_words(starts_on, clock.today) if starts_on else "",
        starts_on=starts_on.isoformat() if starts_on else "",
        owner=facts.owner,
        is_test=facts.is_test,
    )


def _status(copy: ListedCopy, catalogue: CompiledCatalogue | None, facts: LineFacts) -> tuple[str, str, str]:
    """Return the status in a word, its color, and the one thing that matters beside it."""
    standing: Standing = copy.summary.get("standing", "incomplete")
    state = state_of(
        deleted=facts.is_deleted or copy.deleted_at is not None, locked=copy.locked_at is not None, standing=standing
    )
    needed = copy.summary.get("needed", 0)
    is_bound = any(found.state == "bound" for found in facts.quotes)
    # Binding locks the copy: the policy counts, not the lock.
    if state not in ("deleted", "locked") or (state == "locked" and is_bound):
        quoted, tone = state_word(facts.quotes)
        if quoted:
            return quoted, tone, _note(catalogue, facts.quotes)
        if facts.waits_for_guest:
            return "Waiting for guest", "", f"{needed} needed" if needed else ""
    if state == "incomplete" and needed:
        return f"{needed} needed", _TONES[state], ""
    if state == "ready" and catalogue is not None and not catalogue.products:
        return "Complete", _TONES[state], ""
    return FORM_STATES[state], _TONES[state], ""


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


def _line_words(codes: object, catalogue: CompiledCatalogue | None) -> tuple[LineWord, ...]:
    labels = {line.code: line.label for line in catalogue.definition.lines} if catalogue else {}
    listed = map(str, codes) if isinstance(codes, list) else ()
    return tuple(LineWord(_short(code), labels.get(code, code)) for code in listed)


def _short(code: str) -> str:
    """Return a line's code as agents say it: BOP, WC, Auto."""
    words = code.replace("_", " ")
    return words.upper() if len(words) <= _ABBREVIATION else words.capitalize()


def _day_words(day: date, today: date) -> str:
    """Return ``Dec 15``, with the year if it is not obvious."""
    is_far = day.year != today.year and abs((day - today).days) > _FAR_DAYS
    return f"{day:%b} {day.day}, {day.year}" if is_far else f"{day:%b} {day.day}"
