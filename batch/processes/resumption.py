"""Finds processes that were left by whoever worked on them, and asks for each to be resumed, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import DatabaseError, connections

from actions.kinds import ResumeProcess
from actions.outbox import enqueue
from batch.processes.selectors import list_abandoned
from tenants.current_tenant import across_tenants

#: A process that nothing was saved of for so long, and that nobody holds, was left.
IDLE: Final = timedelta(minutes=2)
_AT_ONCE: Final = 500


def ask_to_resume(alias: str, *, idle: timedelta = IDLE) -> int:
    """Put an order to resume into the outbox of ``alias`` for each process that was left; return how many are new."""
    with across_tenants(using=alias):
        left = list(list_abandoned(idle=idle)[:_AT_ONCE])
        return sum(
            enqueue(
                ResumeProcess(copy_id=str(process.copy_id), process_id=str(process.pk)),
                alias=alias,
                tenant_id=process.tenant_id,
                copy_id=process.copy_id,
            )
            for process in left
        )


def ask_to_resume_everywhere() -> dict[str, int]:
    """Do so in every database; return the numbers by alias. One that does not answer is left for the next time."""
    asked = {}
    for alias in connections:
        try:
            asked[alias] = ask_to_resume(alias)
        except DatabaseError:
            continue
    return asked
