"""Whether an actor may submit, retry, resume or undo operations now: the flag, and the room of the tenant."""

from __future__ import annotations

from typing import Final

from django.db import connections

from operations.models import BatchOperation
from operations.submission.errors import OperationsAreOff, TooManyOperations
from operations.submission.order import MOST_ITEMS
from tenants.access import Actor
from tenants.flags import BATCH_OPERATIONS, explain_flag
from tenants.limits.check import caller_subject, take
from tenants.limits.scopes import BATCH_ITEMS
from tenants.models import Tenant

#: The most operations of one tenant that wait or run at the same time.
MOST_OPEN: Final = 20
#: Two submissions of a tenant count its open operations one after the other; the lock ends with the transaction.
_QUEUE: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


def require_on(*, tenant: Tenant, actor: Actor) -> None:
    """Raise ``OperationsAreOff`` unless ``actor`` has batch operations now. The product itself always has."""
    if actor.type != "system" and not explain_flag(BATCH_OPERATIONS, actor=actor, tenant=tenant):
        raise OperationsAreOff


def count_items(amount: int, *, tenant: Tenant, actor: Actor) -> None:
    """Count ``amount`` items of an order of ``actor``. Raises ``RateLimited``.

    A large query counts as the largest list: it is one use of the limit per minute. The number of operations
    (``batch``) is counted where the request arrives, because its address counts too.
    """
    if actor.type != "system":
        take(BATCH_ITEMS, caller_subject(actor, tenant), amount=min(amount, MOST_ITEMS))


def require_room(*, tenant: Tenant) -> None:
    """Raise ``TooManyOperations`` if the tenant has ``MOST_OPEN`` open operations; call it in the transaction that adds
    or opens one.
    """
    with connections[tenant.database_alias].cursor() as cursor:
        cursor.execute(_QUEUE, [f"operations of {tenant.id}"])
    open_operations = BatchOperation.objects.filter(finished_at=None).count()
    if open_operations >= MOST_OPEN:
        raise TooManyOperations(open_operations)
