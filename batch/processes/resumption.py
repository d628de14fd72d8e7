"""Emits the resumption of abandoned processes, once each."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import DatabaseError, connections

from actions.kinds import ResumeProcess
from actions.outbox import enqueue
from batch.processes.selectors import list_abandoned
from tenants.current_tenant import across_tenants

#: A process without a hold that was not saved for this long is abandoned.
IDLE: Final = timedelta(minutes=2)
_AT_ONCE: Final = 500


def emit_resumptions(alias: str, *, idle: timedelta = IDLE) -> int:
    """Emit ``ResumeProcess`` in database ``alias`` for each abandoned process; return the number of new ones."""
    with across_tenants(using=alias):
        abandoned = list(list_abandoned(idle=idle)[:_AT_ONCE])
        return sum(
            enqueue(
                ResumeProcess(copy_id=str(process.copy_id), process_id=str(process.pk)),
                alias=alias,
                tenant_id=process.tenant_id,
                copy_id=process.copy_id,
            )
            for process in abandoned
        )


def emit_resumptions_everywhere() -> dict[str, int]:
    """Emit in every database; return the numbers by alias. A database that fails is skipped until the next run."""
    emitted = {}
    for alias in connections:
        try:
            emitted[alias] = emit_resumptions(alias)
        except DatabaseError:
            continue
    return emitted
