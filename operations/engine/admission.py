"""Whether an operation may go on when a chunk begins: its creator with their present rights, and the flag."""

from __future__ import annotations

from collections.abc import Callable

from operations.batch_models import BatchOperation
from operations.engine import cancellation
from operations.engine.breaker import pause_while_switched_off
from operations.engine.creator import creator_of, is_switched_on, require_creator_may
from operations.errors import CreatorMayNot
from operations.kinds.registry import UnknownKind, kind_named
from tenants.access import Actor
from tenants.models import Tenant


def admit(operation: BatchOperation, *, tenant: Tenant, give_back: Callable[[], object] = lambda: None) -> Actor | None:
    """Return the creator of ``operation`` with their present rights, None if it may not go on now.

    Then it is cancelled with the reason, or paused while the feature is off. Before that ``give_back`` queues again
    what was claimed, so that it is cancelled too.
    """
    alias = tenant.database_alias
    try:
        actor = creator_of(operation)
        require_creator_may(actor, kind_named(operation.kind))
    except (CreatorMayNot, UnknownKind) as error:
        give_back()
        cancellation.stop(operation, reason=str(error), alias=alias)
        return None
    if not is_switched_on(actor, tenant):
        give_back()
        pause_while_switched_off(operation, alias=alias)
        return None
    return actor
