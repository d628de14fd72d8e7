"""Loads the records that pages with quotes show: requests, conditions, and what the agency cannot place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from uuid import UUID

from quoting.gates import gates_for

from batch.context import BatchContext
from forms.models import QuoteRequest, Subjectivity
from partner_engine.web.pages.quote_facts import Gate, QuoteFacts, facts_of
from partner_engine.web.visitors import Visitor


def requests_of(context: BatchContext) -> tuple[QuoteFacts, ...]:
    """Return the quote requests of the context's copy."""
    rows = context.attached.get("quote_requests", ())
    return tuple(facts_of(row, copy_id=str(context.copy.id)) for row in rows)


def requests_of_copies(copy_ids: Iterable[str]) -> tuple[QuoteFacts, ...]:
    """Return the quote requests of these copies of the current tenant, oldest first."""
    rows = QuoteRequest.objects.filter(copy_id__in=list(copy_ids)).order_by("created_at", "id")
    return tuple(facts_of(row, copy_id=str(row.copy_id)) for row in rows)


def conditions_left(request_ids: Iterable[str]) -> Mapping[str, int]:
    """Return the number of conditions that are not met, by request."""
    ids = [UUID(found) for found in request_ids]
    rows = Subjectivity.objects.filter(quote_request_id__in=ids, done_at=None) if ids else ()
    return Counter(str(row.quote_request_id) for row in rows)


def gate_loader(context: BatchContext, visitor: Visitor) -> Callable[[], Mapping[str, Gate]]:
    """Return a function that loads the products that the agency cannot place for this copy, with the reasons."""

    def load() -> Mapping[str, Gate]:
        changeset, evaluation = context.current_view()
        compiled = context.decision_release.compiled
        return gates_for(visitor.tenant, compiled, changeset.document, evaluation.as_of)

    return load
