"""Celery's shell around processes that were left."""

from __future__ import annotations

import structlog
from celery import shared_task

from batch.processes.resumption import ask_to_resume_everywhere
from redis_locks.job_mutex import JobMutex

log = structlog.get_logger(__name__)


@shared_task(ignore_result=True)
def resume() -> None:
    """Ask for every process that was left to be resumed; only one may look."""
    with JobMutex("resume processes") as is_ours:
        if is_ours and any(asked := ask_to_resume_everywhere().values()):
            log.info("processes_left", asked=sum(asked))
