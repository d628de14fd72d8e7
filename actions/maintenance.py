"""Hourly maintenance per tenant: apps declare it in ``handlers.py``, a tick puts it into the outbox as actions.

There it is retried, shown and given up like any other action. Knows no table of the apps that declare it.
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

#: Makes the hourly action of a tenant.
HourlyAction: TypeAlias = Callable[[Tenant], DeferredAction]
#: Returns the expired rows of the tenant in scope.
Expired: TypeAlias = Callable[[], QuerySet[Any]]
#: Deletes what has expired of a tenant, in whose scope it runs; idempotent. It may raise ``RetryAfter`` to go on.
CustomPurge: TypeAlias = Callable[[Tenant], None]
#: How long a dead letter is stored for staff.
DEAD_LETTER_RETENTION: Final = timedelta(days=90)
#: Rows that one transaction deletes, not counting their dependents.
AT_ONCE: Final = 500

log = structlog.get_logger(__name__)
_hourly: list[HourlyAction] = []
_expired: dict[str, Expired] = {}
_custom_purges: dict[str, CustomPurge] = {}


class RetentionRegisteredTwice(Exception):
    """A retention rule of this name exists already."""

    def __init__(self, what: str) -> None:
        super().__init__(f"The retention of {what!r} is registered already.")


def hourly(make_action: HourlyAction) -> HourlyAction:
    """Emit the action that the decorated function makes, for every tenant, each hour."""
    _hourly.append(make_action)
    return make_action


def retention(what: str) -> Callable[[Expired], Expired]:
    """Delete the rows that the decorated function returns each hour, tenant by tenant.

    Raises ``RetentionRegisteredTwice``.
    """

    def register(expired: Expired) -> Expired:
        _emit_purges(what)
        _expired[what] = expired
        return expired

    return register


def custom_purge(what: str) -> Callable[[CustomPurge], CustomPurge]:
    """Call the decorated function each hour, tenant by tenant: it deletes what is spread over several tables.

    Raises ``RetentionRegisteredTwice``.
    """

    def register(purge_all: CustomPurge) -> CustomPurge:
        _emit_purges(what)
        _custom_purges[what] = purge_all
        return purge_all

    return register


def _emit_purges(what: str) -> None:
    if what in _expired or what in _custom_purges:
        raise RetentionRegisteredTwice(what)
    hourly(lambda tenant: Purge(what=what))


def emit_hourly_actions(alias: str) -> int:
    """Emit the hourly actions of every tenant of the database ``alias`` that are not waiting yet; return their number.

    An action that was given up stays among the dead letters until staff requeue or drop it. Raises
    ``DatabaseError``.
    """
    tenants = list(Tenant.objects.filter(database="" if alias == DEFAULT_DB_ALIAS else alias))
    with across_tenants(using=alias):
        return sum(
            enqueue(make_action(tenant), alias=alias, tenant_id=tenant.pk, copy_id=None)
            for tenant in tenants
            for make_action in _hourly
        )


def purge(action: Delivered) -> None:
    """Delete expired rows in portions; rows deleted by an attempt that dies stay deleted."""
    what = str(action.payload["what"])
    if what in _custom_purges:
        _custom_purges[what](action.tenant)
        return
    if what not in _expired:
        raise PermanentFailure("No retention rule of this name is registered.")
    old = _expired[what]()
    deleted = 0
    while ids := list(old.order_by().values_list("pk", flat=True)[:AT_ONCE]):
        deleted += old.model._default_manager.filter(pk__in=ids).delete()[0]
    if deleted:
        log.info("purged", what=what, rows=deleted)


def old_dead_letters() -> QuerySet[OutboxAction]:
    """Return the dead letters that are older than ``DEAD_LETTER_RETENTION``."""
    return OutboxAction.objects.filter(state=ActionState.DEAD, died_at__lt=Now() - DEAD_LETTER_RETENTION)
