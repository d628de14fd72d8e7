"""Loads the records that pages with quotes show: requests, conditions, and what the agency cannot place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from uuid import UUID

from batch.context import BatchContext
from forms.models import QuoteRequest, Subjectivity
from partner_engine.web.pages.quote_facts import QuoteFacts, facts_of


def requests_of(context: BatchContext) -> tuple[QuoteFacts, ...]:
    """Return the quote requests of the context's copy."""
    rows = context.attached.get("quote_requests", ())
    return tuple(facts_of(row, copy_id=str(context.copy.id)) for row in rows)


def requests_of_copies(copy_ids: Iterable[str]) -> tuple[QuoteFacts, ...]:
    """Return the quote requests of these copies of the current tenant, oldest first."""
    rows = QuoteRequest.objects.filter(copy_id__in=list(copy_ids)).order_by("created_at", "id")
    return tuple(facts_of(row, copy_id=str(row.copy_id)) for row in rows)


def quotes_by_copy(copy_ids: Iterable[str]) -> Mapping[str, tuple[QuoteFacts, ...]]:
    """Return the quote requests of these copies by copy, oldest first."""
    found: dict[str, tuple[QuoteFacts, ...]] = {}
    for quote in requests_of_copies(copy_ids):
        found[quote.copy_id] = (*found.get(quote.copy_id, ()), quote)
    return found


def conditions_left(request_ids: Iterable[str]) -> Mapping[str, int]:
    """Return the number of conditions that are not met, by request."""
    ids = [UUID(found) for found in request_ids]
    rows = Subjectivity.objects.filter(quote_request_id__in=ids, done_at=None) if ids else ()
    return Counter(str(row.quote_request_id) for row in rows)
