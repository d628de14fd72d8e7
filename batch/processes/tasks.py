"""The Celery task that resumes abandoned processes."""

from __future__ import annotations

import structlog
from celery import shared_task

from batch.processes.resumption import emit_resumptions_everywhere
from redis_locks.job_mutex import JobMutex

log = structlog.get_logger(__name__)


@shared_task(ignore_result=True)
def resume() -> None:
    """Request the resumption of all abandoned processes; one worker runs at a time."""
    with JobMutex("resume processes") as is_ours:
        if is_ours and any(emitted := emit_resumptions_everywhere().values()):
            log.info("processes_abandoned", emitted=sum(emitted))
