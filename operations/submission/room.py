"""Whether an actor may submit, retry, resume or undo operations now: the flag, and the room of the tenant."""

from __future__ import annotations

from typing import Final

from django.db import connections

from operations.models import BatchOperation
from operations.submission.errors import OperationsAreOff, TooManyOperations
from tenants.access import Actor
from tenants.flags import BATCH_OPERATIONS, explain_flag
from tenants.models import Tenant

#: The most operations of one tenant that wait or run at the same time.
MOST_OPEN: Final = 20
#: Two submissions of a tenant count its open operations one after the other; the lock ends with the transaction.
_QUEUE: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


def require_on(*, tenant: Tenant, actor: Actor) -> None:
    """Raise ``OperationsAreOff`` unless ``actor`` has batch operations now. The product itself always has."""
    if actor.type != "system" and not explain_flag(BATCH_OPERATIONS, actor=actor, tenant=tenant):
        raise OperationsAreOff


def require_room(*, tenant: Tenant) -> None:
    """Raise ``TooManyOperations`` if the tenant has ``MOST_OPEN`` open operations; call it in the transaction that adds
    or opens one.
    """
    with connections[tenant.database_alias].cursor() as cursor:
        cursor.execute(_QUEUE, [f"operations of {tenant.id}"])
    open_operations = BatchOperation.objects.filter(finished_at=None).count()
    if open_operations >= MOST_OPEN:
        raise TooManyOperations(open_operations)
