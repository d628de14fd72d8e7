"""The answer of a carrier that an agent enters: from the fields of the page to the carrier's message. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import zip_longest
from typing import Final

from carriers.links.wire import Change, Premium, Quote, QuoteStatus, Reason, SubjectivityKind, WireSubjectivity
from partner_engine.web.pages.quote_facts import QuoteFacts

_STATUSES: Final = {
    "quoted": QuoteStatus.QUOTED,
    "referred": QuoteStatus.REFERRED,
    "declined": QuoteStatus.DECLINED,
}
_AMOUNT: Final = re.compile(r"\$?\s*([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,9})(?:\.00?)?")
_MOST_LINES: Final = 20
_MOST_TEXT: Final = 500
_MOST_VALUE: Final = 300

#: The fields of the page by name, as they come from a form.
Fields = Mapping[str, Sequence[str]]


class WrongAnswer(Exception):
    """A field of an entered answer is wrong; the message says what to change."""


def read_answer(fields: Fields, quote: QuoteFacts, *, currency: str, now: datetime, today: date) -> Quote:
    """Return the carrier's message that ``fields`` say about the request ``quote``. Raises ``WrongAnswer``."""
    status = _STATUSES.get(_one(fields, "status"))
    if status is None:
        raise WrongAnswer("Choose what the carrier answered.")
    is_quoted = status is QuoteStatus.QUOTED
    reasons = tuple(_reasons(fields))
    if status is QuoteStatus.DECLINED and not reasons:
        raise WrongAnswer("Enter why the carrier declined, in the underwriter's words.")
    return Quote(
        reference=_one(fields, "reference")[:100] or quote.carrier_reference or f"manual-{quote.id}",
        request_token=quote.request_token,
        product=quote.product,
        status=status,
        updated_at=now,
        sequence=quote.sequence + 1,
        premium=Premium(amount=_amount(fields), currency=currency) if is_quoted else None,
        is_bindable=is_quoted and _one(fields, "is_bindable") == "yes",
        valid_until=_valid_until(fields, today) if is_quoted else None,
        changes=tuple(_changes(fields, quote)) if is_quoted else (),
        reasons=reasons,
        subjectivities=tuple(_conditions(fields)) if is_quoted else (),
    )


def _amount(fields: Fields) -> int:
    matched = _AMOUNT.fullmatch(_one(fields, "premium"))
    amount = int(matched[1].replace(",", "")) if matched else 0
    if not amount:
        raise WrongAnswer("Enter the yearly premium in whole dollars, such as 2,451.")
    return amount


def _valid_until(fields: Fields, today: date) -> date:
    last = _date(_one(fields, "valid_until"), "Enter the last day on which the quote is valid.")
    if last < today:
        raise WrongAnswer("The last day on which the quote is valid has passed.")
    return last


def _reasons(fields: Fields) -> Iterator[Reason]:
    lines = [line.strip() for line in _one(fields, "reasons").splitlines() if line.strip()]
    for number, line in enumerate(lines[:_MOST_LINES], 1):
        yield Reason(code=f"entered-{number}", text=line[:_MOST_TEXT])


def _changes(fields: Fields, quote: QuoteFacts) -> Iterator[Change]:
    asked = {str(found.get("path")): found.get("value") for found in quote.asked}
    for field, offered, reason in _lines(fields, "change_field", "change_offered", "change_reason"):
        if not field:
            continue
        if field not in asked or not offered:
            raise WrongAnswer("Enter what the carrier offers instead of what was asked.")
        yield Change(field=field, asked=_shown(asked[field]), offered=offered[:_MOST_VALUE], reason=reason[:_MOST_TEXT])


def _conditions(fields: Fields) -> Iterator[WireSubjectivity]:
    lines = _lines(fields, "condition_kind", "condition_text", "condition_due")
    for number, (kind, text, due) in enumerate(lines, 1):
        if not text:
            continue
        if kind not in set(SubjectivityKind):
            raise WrongAnswer("Choose what kind of condition it is.")
        yield WireSubjectivity(
            code=f"entered-{number}",
            kind=SubjectivityKind(kind),
            text=text[:_MOST_TEXT],
            due_on=_date(due, "Enter the due date of the condition, or leave it empty.") if due else None,
        )


def _shown(value: object) -> str | int | float | bool | None:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)[:_MOST_VALUE]


def _lines(fields: Fields, *names: str) -> Iterator[tuple[str, ...]]:
    columns = [[value.strip() for value in fields.get(name, ())][:_MOST_LINES] for name in names]
    yield from zip_longest(*columns, fillvalue="")


def _one(fields: Fields, name: str) -> str:
    values = fields.get(name, ())
    return values[0].replace("\0", "").strip() if values else ""


def _date(text: str, problem: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise WrongAnswer(problem) from error
