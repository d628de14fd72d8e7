"""The opened row of a quote: what was sent, the attempts, the carrier's words, and what is still to be done. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Protocol

from partner_engine.web.pages.quote_calls import CallView
from partner_engine.web.pages.quote_facts import QuoteFacts
from partner_engine.web.pages.quote_rows import ChangeView, QuoteRowView, RowSource, build_request_row, change_view
from presentation.formats import counted, day, number, reading_text
from rules.definition.model import CompiledCatalogue
from rules.payload import source_of

_OWNERS: Final = {"agent": "You", "insured": "The insured", "carrier": "The carrier"}
_KINDS: Final = {"pay": "Pay", "sign": "Sign", "upload": "Upload", "answer": "Answer"}
#: States whose reason is the carrier's own.
_OF_CARRIER: Final = frozenset({"referred", "declined", "blocked"})
#: The most rows of a pool that the list of sent values spells out.
LISTED_ROWS: Final = 10


class Subjectivity(Protocol):
    """The fields of a condition of a quote that a page shows."""

    id: Any
    kind: str
    text: str
    owner: str
    due_on: date | None
    done_at: datetime | None
    done_by: str


@dataclass(frozen=True)
class SentValue:
    """One value that the carrier was sent, by the label of its question or else the name on the wire."""

    label: str
    text: str


@dataclass(frozen=True, kw_only=True)
class SubjectivityView:
    """One condition: what, by whom, until when, and when it was done."""

    id: str
    kind: str
    text: str
    owner: str
    due: str
    is_overdue: bool
    done: str

    @property
    def facts(self) -> str:
        """Return who is to meet it until when, and when it was met."""
        return ", ".join(filter(None, (self.owner, self.due, self.done)))


@dataclass(frozen=True, kw_only=True)
class QuoteDetails:
    """Everything about one request."""

    row: QuoteRowView
    timeline: tuple[tuple[str, str], ...]
    sent: tuple[SentValue, ...]
    calls: tuple[CallView, ...]
    words: tuple[str, ...]
    changes: tuple[ChangeView, ...]
    subjectivities: tuple[SubjectivityView, ...]
    may_write: bool
    can_be_bound: bool
    can_be_asked_again: bool
    can_be_withdrawn: bool
    can_be_selected: bool
    is_selected: bool


def build_details(
    source: RowSource,
    quote: QuoteFacts,
    *,
    sent: Mapping[str, Any],
    calls: Iterable[CallView],
    subjectivities: Iterable[Subjectivity],
) -> QuoteDetails:
    """Return the opened row of ``quote``; ``sent`` are the masked fields of the last submission."""
    row = build_request_row(source, quote)
    return QuoteDetails(
        row=row,
        timeline=tuple(_timeline(source, quote)),
        sent=tuple(sent_values(source.catalogue, quote.product, sent)),
        calls=tuple(calls),
        words=tuple(_words(quote)),
        changes=tuple(change_view(source.catalogue, quote, found) for found in quote.changes),
        subjectivities=tuple(_subjectivity(source, found) for found in subjectivities),
        may_write=source.may_write,
        can_be_bound=source.may_write and quote.can_be_bound,
        can_be_asked_again=source.may_write and row.order == "ask-again",
        can_be_withdrawn=source.may_write and quote.state not in ("withdrawn", "bound"),
        can_be_selected=source.may_write and quote.state == "quoted" and quote.premium is not None,
        is_selected=quote.state == "selected",
    )


def sent_values(catalogue: CompiledCatalogue, product: str, fields: Mapping[str, Any]) -> Iterator[SentValue]:
    """Yield the fields of a payload with their labels, rows of pools as one line each."""
    for name, value in fields.items():
        source = source_of(catalogue, product, name) if product in catalogue.products else None
        # A derived value without a label of its own has its code for one.
        label = source.label if source and source.label != source.path else humanized(name)
        if isinstance(value, list) and value and isinstance(value[0], dict):
            for number, row in enumerate(value[:LISTED_ROWS], 1):
                text = " · ".join(f"{humanized(key)} {_plain(item)}" for key, item in row.items())
                yield SentValue(f"{label} {number}", text)
            if len(value) > LISTED_ROWS:
                yield SentValue(label, f"and {counted(len(value) - LISTED_ROWS, 'more row')}")
        else:
            yield SentValue(label, _value(catalogue, source.path if source else "", value))


def humanized(name: str) -> str:
    """Return a name on the wire as words: ``annual_revenue`` as ``Annual revenue``."""
    return name.replace("_", " ").strip().capitalize()


def _value(catalogue: CompiledCatalogue, code: str, value: Any) -> str:
    known = catalogue.questions.get(code)
    if known is None:
        return _plain(value)
    labels = catalogue.choices(known.question) if known.question.choices else {}
    return reading_text(known.question.type, value, labels, catalogue.definition.currency)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        # Rows of rows are counted: nobody reads them in one line.
        return counted(len(value), "row") if value and isinstance(value[0], dict) else ", ".join(map(_plain, value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(value)
    return reading_text("", value, {})


def _timeline(source: RowSource, quote: QuoteFacts) -> Iterator[tuple[str, str]]:
    clock = source.clock
    moments = (("Requested", quote.created_at), ("Sent", quote.submitted_at), ("Answered", quote.answered_at))
    for word, moment in (*moments, ("Firm", quote.firm_at), ("Next try", quote.next_attempt_at)):
        if moment is not None:
            yield word, clock.time(moment)
    if quote.valid_until is not None:
        yield "Valid until", day(quote.valid_until)
    if quote.carrier_reference:
        yield "Carrier's number", quote.carrier_reference
    if quote.previous_references:
        yield "Earlier numbers", ", ".join(quote.previous_references)
    if quote.policy_number:
        yield "Policy", quote.policy_number


def _words(quote: QuoteFacts) -> Iterator[str]:
    """Yield what the carrier said: its reasons, or the one sentence about the state."""
    texts = [str(found.get("text") or found.get("code") or "") for found in quote.reasons]
    yield from dict.fromkeys(filter(None, texts))
    if quote.reason and quote.reason not in texts and quote.state in _OF_CARRIER:
        yield quote.reason


def _subjectivity(source: RowSource, found: Subjectivity) -> SubjectivityView:
    today = source.clock.today
    return SubjectivityView(
        id=str(found.id),
        kind=_KINDS.get(found.kind, found.kind),
        text=found.text,
        owner=_OWNERS.get(found.owner, found.owner),
        due=f"due {day(found.due_on)}" if found.due_on else "",
        is_overdue=found.done_at is None and found.due_on is not None and found.due_on < today,
        done=f"done {source.clock.time(found.done_at)}" if found.done_at else "",
    )
