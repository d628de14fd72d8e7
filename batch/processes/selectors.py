"""Selectors of processes: those of a copy, and abandoned ones."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from forms.models import Process


def list_processes(copy_id: UUID) -> QuerySet[Process]:
    """Return the processes of the copy, ended ones too."""
    return Process.objects.filter(copy_id=copy_id)


def list_abandoned(*, idle: timedelta) -> QuerySet[Process]:
    """Return the abandoned processes of the current scope: running by their state, not saved for ``idle``, without a
    hold. To resume one, lock its copy and continue at its ``step``.
    """
    running = Process.objects.filter(state="running", updated_at__lt=Now() - idle)
    return running.filter(Q(held_until=None) | Q(held_until__lt=Now())).order_by("updated_at")
