"""Whether an actor may submit, retry, resume or undo operations now: the flag, and the room of the tenant."""

from __future__ import annotations

from typing import Final

from django.db import connections

from operations.models import BatchOperation
from operations.submission.errors import OperationsAreOff, TooManyOperations
from operations.submission.order import MOST_ITEMS
from tenants.access import Actor
from tenants.flags import BATCH_OPERATIONS, explain_flag
from tenants.limits.check import amount_at_once, caller_subject, take
from tenants.limits.scopes import BATCH_ITEMS, OPEN_OPERATIONS
from tenants.models import Tenant

#: Two submissions of a tenant count its open operations one after the other; the lock ends with the transaction.
_QUEUE: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


def require_on(*, tenant: Tenant, actor: Actor) -> None:
    """Raise ``OperationsAreOff`` unless ``actor`` has batch operations now. The product itself always has."""
    if actor.type != "system" and not explain_flag(BATCH_OPERATIONS, actor=actor, tenant=tenant):
        raise OperationsAreOff


def count_items(amount: int, *, tenant: Tenant, actor: Actor) -> None:
    """Count ``amount`` items that an order of ``actor`` makes the product check or work on. Raises ``RateLimited``.

    A large query counts as the largest list: it is one use of the limit per minute. The number of operations
    (``batch``) is counted where the request arrives, because its address counts too.
    """
    if actor.type != "system" and amount > 0:
        take(BATCH_ITEMS, caller_subject(actor, tenant), amount=min(amount, MOST_ITEMS))


def lock_room(*, tenant: Tenant) -> None:
    """Let submissions of ``tenant`` check their room one after the other, until the transaction ends."""
    with connections[tenant.database_alias].cursor() as cursor:
        cursor.execute(_QUEUE, [f"operations of {tenant.id}"])


def require_room(*, tenant: Tenant, actor: Actor) -> None:
    """Raise ``TooManyOperations`` if as many operations of the tenant wait or run as the limit allows.

    After ``lock_room``, in the transaction that adds or opens one, the check is exact.
    """
    most = amount_at_once(OPEN_OPERATIONS, caller_subject(actor, tenant))
    if most is None:
        return
    open_operations = BatchOperation.objects.filter(finished_at=None).count()
    if open_operations >= most:
        raise TooManyOperations(open_operations)
