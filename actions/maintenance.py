"""What each tenant is done every hour: rooms register their chores, a tick puts them into the outbox as actions.

There they are tried again, seen, and given up like any other. Knows no table of the rooms that register.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, TypeAlias

import structlog
from django.db import DEFAULT_DB_ALIAS
from django.db.models import QuerySet
from django.db.models.functions import Now

from actions.kinds import DeferredAction, Purge
from actions.models import ActionState, OutboxAction
from actions.outbox import enqueue
from actions.registry import Delivered, PermanentFailure
from tenants.current_tenant import across_tenants
from tenants.models import Tenant

#: Makes the action that is one chore for a tenant.
Chore: TypeAlias = Callable[[Tenant], DeferredAction]
#: Gives what has served its time, of the tenant in scope.
Find: TypeAlias = Callable[[], QuerySet[Any]]
#: How long a dead letter is kept for somebody to look at.
DEAD_LETTERS_KEPT: Final = timedelta(days=90)
#: Rows that one transaction deletes, beside what hangs on them.
AT_ONCE: Final = 500

log = structlog.get_logger(__name__)
_chores: list[Chore] = []
_purges: dict[str, Find] = {}


class PurgeRegisteredTwice(Exception):
    """There is a purge of this name already."""

    def __init__(self, what: str) -> None:
        super().__init__(f"The purge of {what!r} is registered already.")


def register_chore(chore: Chore) -> None:
    """Let every tenant have the action ``chore`` each hour."""
    _chores.append(chore)


def register_purge(what: str, find: Find) -> None:
    """Let what ``find`` finds be deleted each hour, tenant by tenant. Raises ``PurgeRegisteredTwice``."""
    if what in _purges:
        raise PurgeRegisteredTwice(what)
    _purges[what] = find
    register_chore(lambda tenant: Purge(what=what))


def ask_for_chores(alias: str) -> int:
    """Put every chore of every tenant of the database ``alias`` into its outbox, unless it is there; return how many.

    A chore that was given up stays so, among the dead letters, until somebody runs it again or drops it. Raises
    ``DatabaseError``.
    """
    tenants = list(Tenant.objects.filter(database="" if alias == DEFAULT_DB_ALIAS else alias))
    with across_tenants(using=alias):
        return sum(
            enqueue(chore(tenant), alias=alias, tenant_id=tenant.pk, copy_id=None)
            for tenant in tenants
            for chore in _chores
        )


def purge(action: Delivered) -> None:
    """Delete what has served its time, some rows at a time; what an attempt that dies has deleted stays deleted."""
    what = str(action.payload["what"])
    if what not in _purges:
        raise PermanentFailure("Nobody knows what is to be deleted.")
    old = _purges[what]()
    deleted = 0
    while ids := list(old.order_by().values_list("pk", flat=True)[:AT_ONCE]):
        deleted += old.model._default_manager.filter(pk__in=ids).delete()[0]
    if deleted:
        log.info("purged", what=what, rows=deleted)


def old_dead_letters() -> QuerySet[OutboxAction]:
    """Return dead letters that nobody ran again or dropped in ``DEAD_LETTERS_KEPT``."""
    return OutboxAction.objects.filter(state=ActionState.DEAD, died_at__lt=Now() - DEAD_LETTERS_KEPT)
