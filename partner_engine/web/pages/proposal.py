"""The proposal for the customer: the offered quotes by line, what each assumes, and what changed since. Pure.

It is stored as it was when its link was made, so it has plain texts only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol

from partner_engine.web.pages.quote_details import SentValue, sent_values
from partner_engine.web.pages.quote_facts import QuoteFacts
from partner_engine.web.pages.quote_rows import ChangeView, asked_text, change_view
from partner_engine.web.pages.reading import Reading
from presentation.formats import day, money
from presentation.product_names import carrier_and_line
from rules.payload import quote_payload

#: What every proposal says of its figures.
NOTE: Final = (
    "This proposal is not a policy and binds no coverage. Each premium depends on the answers listed below it. If one"
    " of them is wrong or changes, the premium and the offer can change. Ask your agent before you decide."
)


class Condition(Protocol):
    """The fields of an open condition that a customer reads."""

    @property
    def text(self) -> str:
        """Return what must be done."""
        ...

    @property
    def due_on(self) -> date | None:
        """Return the last day for it."""
        ...


@dataclass(frozen=True, kw_only=True)
class OfferedQuote:
    """One offer: ``kind`` is bindable or indication, ``asked`` the limits asked in one line."""

    request_id: str
    carrier: str
    product: str
    premium: str
    amount: int
    kind: str
    valid_until: str
    last_day: str
    asked: str
    changes: tuple[ChangeView, ...]
    conditions: tuple[str, ...]
    assumes: tuple[SentValue, ...]


@dataclass(frozen=True, kw_only=True)
class OfferedLine:
    """The offers of one line of business, the lowest premium first."""

    title: str
    quotes: tuple[OfferedQuote, ...]


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """The whole proposal. ``request_ids`` are the requests of its quotes."""

    agency: str
    insured: str
    prepared: str
    starts: str
    lines: tuple[OfferedLine, ...]
    request_ids: tuple[str, ...]
    total: str = ""
    note: str = NOTE
    phone: str = ""
    email: str = ""


class PresentQuote(Protocol):
    """The present state of an offered quote."""

    state: str
    premium: int | None
    valid_until: date | None


def build_proposal(
    reading: Reading, *, agency: str, chosen: Iterable[str] = (), conditions: Mapping[str, Iterable[Condition]]
) -> Proposal:  # fmt: skip
    """Return the proposal of the offered quotes of ``reading``, or of those of them with the ``chosen`` ids."""
    wanted = frozenset(chosen)
    offers = [found for found in reading.quotes if is_proposable(reading, found)]
    offers = [found for found in offers if not wanted or found.id in wanted]
    today = reading.reader.now.astimezone(reading.reader.zone).date()
    lines = tuple(
        OfferedLine(title=line.label, quotes=tuple(_offer(reading, found, conditions) for found in own))
        for line in reading.catalogue.definition.lines
        if (own := _of_line(reading, offers, line.code))
    )
    total = sum(line.quotes[0].amount for line in lines)
    return Proposal(
        agency=agency,
        insured=_insured(reading),
        prepared=day(today),
        starts=_starts(reading),
        lines=lines,
        request_ids=tuple(quote.request_id for line in lines for quote in line.quotes),
        total=money(total, reading.catalogue.definition.currency) if len(lines) > 1 else "",
    )


def is_proposable(reading: Reading, quote: QuoteFacts) -> bool:
    """Return whether a quote can be offered to a customer: priced, neither stale nor expired."""
    today = reading.reader.now.astimezone(reading.reader.zone).date()
    is_over = quote.valid_until is not None and quote.valid_until < today and quote.state != "bound"
    return quote.is_offered and not is_over and quote.product in reading.catalogue.products


def since_then(offer: OfferedQuote, present: PresentQuote | None, today: date) -> str:
    """Return what a reader must know of an offer that was made earlier, "" if it still holds."""
    if present is None or present.state in ("withdrawn", "declined", "blocked"):
        return "This offer is no longer available."
    if present.state == "bound":
        return ""
    last_day = date.fromisoformat(offer.last_day) if offer.last_day else None
    if present.state == "expired" or (last_day is not None and last_day < today):
        return "This offer has expired. Ask your agent for a new one."
    if present.state not in ("quoted", "selected"):
        return "The answers behind this offer have changed since. Its premium is no longer valid."
    if present.premium != offer.amount:
        return "The carrier has changed this premium since. Ask your agent for the new one."
    return ""


def _of_line(reading: Reading, offers: Iterable[QuoteFacts], line: str) -> list[QuoteFacts]:
    products = reading.catalogue.products
    own = [found for found in offers if products[found.product].product.line == line]
    return sorted(own, key=lambda found: (not found.is_bindable, found.premium or 0, found.id))


def _offer(reading: Reading, quote: QuoteFacts, conditions: Mapping[str, Iterable[Condition]]) -> OfferedQuote:
    carrier, name = carrier_and_line(reading.catalogue, quote.product)
    return OfferedQuote(
        request_id=quote.id,
        carrier=carrier,
        product=name,
        premium=money(quote.premium or 0, reading.catalogue.definition.currency),
        amount=quote.premium or 0,
        kind="bindable" if quote.is_bindable else "indication",
        valid_until=day(quote.valid_until) if quote.valid_until else "",
        last_day=quote.valid_until.isoformat() if quote.valid_until else "",
        asked=asked_text(reading.catalogue, quote.asked),
        changes=tuple(change_view(reading.catalogue, quote, found) for found in quote.changes),
        conditions=tuple(map(_condition, conditions.get(quote.id, ()))),
        assumes=_assumes(reading, quote),
    )


def _assumes(reading: Reading, quote: QuoteFacts) -> tuple[SentValue, ...]:
    """Return the answers that the carrier was sent, with personal ones masked: of a quote in force they are the
    present ones.
    """
    payload = quote_payload(reading.catalogue, reading.document, quote.product, evaluation=reading.evaluation)
    return tuple(sent_values(reading.catalogue, quote.product, payload.logged))


def _condition(found: Condition) -> str:
    return f"{found.text} (by {day(found.due_on)})" if found.due_on else found.text


def _insured(reading: Reading) -> str:
    code = reading.catalogue.definition.title_question
    answer = reading.document.answers.get(code)
    is_text = answer is not None and isinstance(answer.value, str) and not reading.visibility.hides(code, answer)
    return str(answer.value) if answer is not None and is_text else "The insured"


def _starts(reading: Reading) -> str:
    answer = reading.document.answers.get(reading.catalogue.definition.effective_date_question)
    return day(answer.value) if answer is not None and answer.active and isinstance(answer.value, str) else ""
