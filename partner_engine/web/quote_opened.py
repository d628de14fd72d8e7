"""The opened row of one request: its record, its conditions, and its calls in the traffic log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from batch.context import BatchContext
from carriers.link_models import CarrierCall
from partner_engine.web.pages.quote_calls import build_call
from partner_engine.web.pages.quote_details import build_details
from partner_engine.web.pages.quote_facts import QuoteFacts
from partner_engine.web.pages.quote_rows import RowSource
from partner_engine.web.pages.quote_states import Clock
from partner_engine.web.pages.reading import Reading
from quoting.selectors import subjectivities_of

#: The latest calls that an opened row shows.
MOST_CALLS: Final = 20
#: The days for which a quote that is entered by hand is valid, unless the agent enters another day.
_VALID_DAYS: Final = 30
#: The lines of the form for changes, and for conditions.
_LINES: Final = ("first", "second", "third")
_SUBMIT: Final = "submit"


@dataclass(frozen=True, kw_only=True)
class AnswerForm:
    """What the form for the answer of a manual carrier begins with: ``fields`` are the values asked, by wire field."""

    today: str
    valid_until: str
    fields: tuple[tuple[str, str, str], ...]
    lines: tuple[str, ...] = _LINES


def opened_row(context: BatchContext, reading: Reading, request_id: UUID) -> dict[str, Any] | None:
    """Return the template context of the opened row, None for a request of another copy."""
    quote = next((found for found in reading.quotes if found.id == str(request_id)), None)
    if quote is None or quote.product not in reading.catalogue.products:
        return None
    clock = Clock(reading.reader.zone, reading.reader.now)
    source = RowSource(catalogue=reading.catalogue, clock=clock, may_write=reading.is_writable)
    calls = list(CarrierCall.objects.filter(request_id=request_id, copy_id=context.copy.id)[:MOST_CALLS])
    details = build_details(
        source,
        quote,
        sent=_sent(calls),
        calls=[build_call(call, clock) for call in reversed(calls)],
        subjectivities=subjectivities_of([request_id]).get(request_id, ()),
    )
    answers = "enter" in details.row.actions
    return {"details": details, "answer_form": _answer_form(clock, quote) if answers else None}


def _sent(calls: list[CarrierCall]) -> Mapping[str, Any]:
    """Return the masked fields of the latest submission in ``calls``, which begin with the latest."""
    bodies = (call.body for call in calls if call.operation == _SUBMIT and call.body)
    body: dict[str, Any] = next(bodies, {})
    risk = body.get("risk", body)
    return risk if isinstance(risk, dict) else {}


def _answer_form(clock: Clock, quote: QuoteFacts) -> AnswerForm:
    today = clock.today
    return AnswerForm(
        today=today.isoformat(),
        valid_until=(today + timedelta(days=_VALID_DAYS)).isoformat(),
        fields=tuple((str(found.get("path")), str(found.get("label")), "") for found in quote.asked),
    )
