"""Loads the quote requests that pages show, and the number of their open conditions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from batch.context import BatchContext
from forms.models import Declination, QuoteRequest, Subjectivity
from partner_engine.web.pages.quote_facts import QuoteFacts, facts_of
from quoting.selectors import shown_state_of


def requests_of(context: BatchContext) -> tuple[QuoteFacts, ...]:
    """Return the quote requests of the context's copy."""
    rows: Any = context.attached.get("quote_requests", ())
    return tuple(_facts(row, str(context.copy.id), context.save_context.today) for row in rows)


def requests_of_copies(copy_ids: Iterable[str], *, today: date) -> tuple[QuoteFacts, ...]:
    """Return the quote requests of these copies of the current tenant, oldest first."""
    rows = QuoteRequest.objects.filter(copy_id__in=list(copy_ids)).order_by("created_at", "id")
    return tuple(shown_facts(row, today=today) for row in rows)


def quotes_by_copy(copy_ids: Iterable[str], *, today: date) -> Mapping[str, tuple[QuoteFacts, ...]]:
    """Return the quote requests of these copies by copy, oldest first."""
    found: dict[str, tuple[QuoteFacts, ...]] = {}
    for quote in requests_of_copies(copy_ids, today=today):
        found[quote.copy_id] = (*found.get(quote.copy_id, ()), quote)
    return found


def shown_facts(row: QuoteRequest, *, today: date) -> QuoteFacts:
    """Return the facts of one row of the table, in the state that is shown on the day ``today``."""
    return _facts(row, str(row.copy_id), today)


def conditions_left(request_ids: Iterable[str]) -> Mapping[str, int]:
    """Return the number of conditions that are not met, by request."""
    ids = [UUID(found) for found in request_ids]
    if not ids:
        return {}
    rows = Subjectivity.objects.filter(quote_request_id__in=ids, done_at=None, closed_at=None)
    return Counter(str(found) for found in rows.values_list("quote_request_id", flat=True))


def count_declinations(copy_id: UUID) -> int:
    """Return the number of declination records of a copy."""
    return Declination.objects.filter(copy_id=copy_id).count()


def _facts(row: Any, copy_id: str, today: date) -> QuoteFacts:
    return facts_of(row, copy_id=copy_id, state=shown_state_of(row, today))
