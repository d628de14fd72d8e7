"""Withdraws the quotes of a bound line in the form's other copies."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from actions.registry import Delivered, RetryAfter
from batch import service as batch
from batch.changes.changeset import Changeset
from batch.chunk import MOST_COPIES
from batch.errors import CopyIsDeleted, CopyIsLocked, NotFound
from copies.models import Copy
from forms.models import QuoteRequest
from quoting.binding_results import ENDED, withdraw_line
from tenants.access import system_actor

_WAIT_SECONDS: Final = 5.0
#: Errors that leave the quotes unchanged permanently.
_LEFT_ALONE: Final = (NotFound, CopyIsDeleted, CopyIsLocked)


def withdraw_quotes_of_line(delivered: Delivered) -> None:
    """Withdraw the requests of the line in the other copies; idempotent.

    Raises ``RetryAfter`` while another copy is being saved.
    """
    bound, line = UUID(delivered.payload["copy_id"]), str(delivered.payload["line"])
    form = Copy.objects.filter(id=bound).values("application_form_id")
    copies = Copy.objects.filter(application_form_id__in=form, deleted_at=None).exclude(id=bound)
    open_requests = QuoteRequest.objects.filter(copy_id__in=copies.values("id")).exclude(state__in=sorted(ENDED))
    others = sorted(set(open_requests.values_list("copy_id", flat=True)))

    def withdraw(changeset: Changeset) -> None:
        withdraw_line(changeset, line)

    errors: list[Exception] = []
    for place in range(0, len(others), MOST_COPIES):
        ids = others[place : place + MOST_COPIES]
        actor = system_actor("bound lines")
        with batch.find_and_lock_many(ids, scope=delivered.tenant, actor=actor, wait=_WAIT_SECONDS) as chunk:
            chunk.apply(withdraw)
            errors += [outcome.error for outcome in chunk.save() if outcome.error is not None]
    if any(not isinstance(error, _LEFT_ALONE) for error in errors):
        raise RetryAfter(2.0, "Another copy of the form is being saved.")
