"""Marks a carrier's quotes in a form's other copies stale when one is submitted to it, if the tenant wants it."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from actions.registry import Delivered, RetryAfter
from batch import service as batch
from batch.changes.changeset import Changeset
from batch.changes.mutators.quote_requests import BY_OTHER_COPY
from batch.chunk import MOST_COPIES
from batch.errors import CopyIsDeleted, CopyIsLocked, NotFound
from copies.models import Copy
from forms.models import QuoteRequest
from tenants.access import system_actor

#: States that become stale when another copy is submitted. A request in progress may still be answered and is left
#: alone.
_ANSWERS: Final = frozenset({"estimated", "quoted", "referred", "declined", "blocked", "selected"})
_REASON: Final = "The carrier was asked about another copy of this form."
_WAIT_SECONDS: Final = 5.0
#: Errors that leave the quotes unchanged permanently: the copy is deleted, or closed to changes.
_LEFT_ALONE: Final = (NotFound, CopyIsDeleted, CopyIsLocked)


def mark_quotes_stale(delivered: Delivered) -> None:
    """Mark the carrier's quotes in the other copies stale, if the tenant wants one current quote per form and carrier;
    idempotent.

    Raises ``RetryAfter`` while another copy is being saved.
    """
    if not delivered.tenant.quotes_staleness:
        return
    asked, carrier = UUID(delivered.payload["copy_id"]), str(delivered.payload["carrier"])
    others = _copies_with_answers(asked, carrier)

    def mark(changeset: Changeset) -> None:
        for request in changeset.quote_requests:
            if request.row.carrier == carrier and request.row.state in _ANSWERS:
                request.mark_stale(_REASON, by=BY_OTHER_COPY)

    is_held = False
    for place in range(0, len(others), MOST_COPIES):
        ids = others[place : place + MOST_COPIES]
        actor = system_actor("stale quotes")
        with batch.find_and_lock_many(ids, scope=delivered.tenant, actor=actor, wait=_WAIT_SECONDS) as chunk:
            chunk.apply(mark)
            errors = [outcome.error for outcome in chunk.save() if outcome.error is not None]
        is_held |= any(not isinstance(error, _LEFT_ALONE) for error in errors)
    if is_held:
        raise RetryAfter(2.0, "Another copy of the form is being saved.")


def _copies_with_answers(asked: UUID, carrier: str) -> list[UUID]:
    """Return the ids, sorted, of the form's other copies that have a quote of this carrier."""
    form = Copy.objects.filter(id=asked).values("application_form_id")
    copies = Copy.objects.filter(application_form_id__in=form, deleted_at=None).exclude(id=asked)
    ids = list(copies.order_by("id").values_list("id", flat=True))
    answered = QuoteRequest.objects.filter(copy_id__in=ids, carrier=carrier, state__in=sorted(_ANSWERS))
    found = set(answered.values_list("copy_id", flat=True))
    return [copy_id for copy_id in ids if copy_id in found]
