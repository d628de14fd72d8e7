"""The relay's opponent: a plain Celery application with one empty task, without Django."""

from __future__ import annotations

import os
from typing import Final

from celery import Celery

#: The queue of the worker, and the key under which tasks are prepared until the clock starts.
QUEUE: Final = "taken"
READY: Final = "ready"
PREFIX: Final = "partner_engine.benchmark."

app = Celery("no_operation", broker=os.environ.get("REDIS_URL", ""), set_as_current=False)
app.conf.update(
    task_ignore_result=True,
    task_default_queue=QUEUE,
    worker_prefetch_multiplier=64,
    broker_transport_options={"global_keyprefix": PREFIX},
    broker_connection_retry_on_startup=True,
)


@app.task(name="nothing")
def nothing() -> None:
    """Do nothing."""
