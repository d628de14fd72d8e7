"""The Celery task that resumes abandoned processes."""

from __future__ import annotations

import structlog
from celery import shared_task

from batch.processes.resumption import ask_to_resume_everywhere
from redis_locks.job_mutex import JobMutex

log = structlog.get_logger(__name__)


@shared_task(ignore_result=True)
def resume() -> None:
    """Request the resumption of all abandoned processes; one worker runs at a time."""
    with JobMutex("resume processes") as is_ours:
        if is_ours and any(asked := ask_to_resume_everywhere().values()):
            log.info("processes_left", asked=sum(asked))
