"""Records that the validity of quotes has ended. Readers see it at once (``quoting.selectors``)."""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef
from django.utils import timezone

from actions.registry import Budget, Delivered, RetryAfter
from batch import service as batch
from batch.changes.changeset import Changeset
from batch.chunk import MOST_COPIES
from batch.errors import CopyIsDeleted, CopyIsLocked, NotFound
from copies.models import Copy
from forms.models import QuoteRequest
from forms.status_order import VALID
from tenants.access import system_actor
from tenants.models import Tenant

BUDGET: Final = Budget(tries=6, first=5.0, most=600.0)
#: Copies that one action works on; the next hour takes the others.
AT_ONCE: Final = 2_000
_WAIT_SECONDS: Final = 5.0
_LEFT_ALONE: Final = (NotFound, CopyIsDeleted, CopyIsLocked)


def expire_quotes(delivered: Delivered) -> None:
    """Mark the tenant's quotes whose last day is over as expired; idempotent. Raises ``RetryAfter`` while one of the
    copies is being saved. Locked copies keep their quotes.
    """
    today = today_at(delivered.tenant)
    copies = _copies_with_ended_quotes(today)

    def expire(changeset: Changeset) -> None:
        for request in changeset.quote_requests:
            row = request.row
            if row.state in VALID and row.valid_until is not None and row.valid_until < today:
                request.expire()

    is_held = False
    for place in range(0, len(copies), MOST_COPIES):
        ids, actor = copies[place : place + MOST_COPIES], system_actor("expired quotes")
        with batch.find_and_lock_many(ids, scope=delivered.tenant, actor=actor, wait=_WAIT_SECONDS) as chunk:
            chunk.apply(expire)
            errors = [outcome.error for outcome in chunk.save() if outcome.error is not None]
        is_held |= any(not isinstance(error, _LEFT_ALONE) for error in errors)
    if is_held:
        raise RetryAfter(5.0, "A copy with an expired quote is being saved.")


def _copies_with_ended_quotes(today: date) -> list[UUID]:
    is_open = Copy.objects.filter(id=OuterRef("copy_id"), locked_at=None, deleted_at=None)
    over = QuoteRequest.objects.filter(Exists(is_open), state__in=VALID, valid_until__lt=today).order_by()
    return sorted(set(over.values_list("copy_id", flat=True)[:AT_ONCE]))


def today_at(tenant: Tenant) -> date:
    """Return the day at the tenant."""
    return timezone.now().astimezone(ZoneInfo(tenant.time_zone)).date()
