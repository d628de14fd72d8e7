"""Requeues or drops failed actions for staff, within the current tenant scope."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Now

from actions.models import ActionState, OutboxAction
from actions.wakeup import wake_relay
from tenants.current_tenant import current_scope

_NOT_RUNNING = Q(lease_token=None) | Q(leased_until__lt=Now())


def requeue(ids: Iterable[UUID]) -> list[UUID]:
    """Run dead letters, and actions that wait for their next attempt, at once with a new budget.

    Return their ids; an action that is running now is left alone.
    """
    with_lease_over = OutboxAction.objects.filter(_NOT_RUNNING, pk__in=list(ids))
    found = list(with_lease_over.values_list("pk", flat=True))
    OutboxAction.objects.filter(_NOT_RUNNING, pk__in=found).update(
        state=ActionState.WAITING,
        attempts=0,
        crashes=0,
        next_attempt_at=Now(),
        lease_token=None,
        leased_until=None,
        died_at=None,
    )
    scope = current_scope()
    if found and scope is not None:
        wake_relay(scope.alias)
    return found


def drop(ids: Iterable[UUID]) -> list[UUID]:
    """Delete dead letters; return their ids. Waiting actions are left unchanged."""
    dead = OutboxAction.objects.filter(pk__in=list(ids), state=ActionState.DEAD)
    found = list(dead.values_list("pk", flat=True))
    OutboxAction.objects.filter(pk__in=found, state=ActionState.DEAD).delete()
    return found
