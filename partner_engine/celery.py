"""The Celery application: `celery -A partner_engine`. Tasks log with the correlation id of their sender."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from importlib import import_module
from typing import Any, Final

import structlog
from celery import Celery, Task
from celery.bootsteps import StartStopStep
from celery.schedules import crontab
from celery.signals import (
    after_task_publish,
    beat_init,
    before_task_publish,
    celeryd_init,
    setup_logging,
    task_postrun,
    task_prerun,
    worker_before_create_process,
    worker_init,
    worker_process_init,
)
from celery.worker.consumer import Connection
from celery.worker.state import maybe_shutdown
from django.db import close_old_connections, connections
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

from long_running import settle
from partner_engine.checks import refuse_unsafe_start
from partner_engine.correlation import correlation_id_of
from redis_locks.heartbeats import note_heartbeat

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partner_engine.settings")

HEADER: Final = "partner_engine_correlation_id"
#: The names of the signs of life of beat and of the workers, renewed with each task of the shortest schedule.
BEAT_HEARTBEAT: Final = "beat"
WORKER_HEARTBEAT: Final = "worker"
_PULSE_TASK: Final = "batch.processes.tasks.resume"
#: The pauses between attempts to consume, in seconds; an attempt that holds for longer than the last starts anew.
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 15.0
CALM_SECONDS: Final = 20.0

#: How long a connection of a worker serves, in seconds, and how many tasks; Celery counts before and after each one.
CONNECTION_SECONDS: Final = 300
CONNECTION_TASKS: Final = 1_000

log = structlog.get_logger(__name__)


class ReconnectPause(StartStopStep):
    """Waits before a worker that just lost its broker consumes again: 1 s, then twice as long each time.

    Celery waits only while it cannot connect; a Redis that refuses commands accepts connections.
    """

    requires = (Connection,)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._started_at: float | None = None
        self._pause = 0.0

    def start(self, consumer: Any) -> None:
        """Wait if the last start was a moment ago."""
        now = time.monotonic()
        is_again = self._started_at is not None and now - self._started_at < CALM_SECONDS + self._pause
        self._pause = min(LONGEST_PAUSE, self._pause * 2 or FIRST_PAUSE) if is_again else 0.0
        if self._pause:
            log.warning("broker_refuses", pause=self._pause)
        while time.monotonic() < now + self._pause:
            maybe_shutdown()
            time.sleep(0.1)
        self._started_at = time.monotonic()


app = Celery("partner_engine")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["batch.processes"])
# A Redis that answers with an error (a replica after a failover, full memory, too few replicas, loading) is away like
# one that does not answer: the worker connects anew instead of ending.
app.conf.broker_channel_error_retry = True
app.steps["consumer"].add(ReconnectPause)
app.conf.CELERY_DB_REUSE_MAX = CONNECTION_TASKS
#: Messages expire, since late ones are useless. Due actions and webhooks are not listed: `manage.py relay` polls for
#: them without a broker.
app.conf.beat_schedule = {
    "processes: resume": {"task": _PULSE_TASK, "schedule": 30.0, "options": {"expires": 25}},
    "actions: maintenance": {
        "task": "actions.tasks.run_maintenance",
        "schedule": crontab(minute=17),
        "options": {"expires": 1_800},
    },
}


@beat_init.connect
@celeryd_init.connect
def _refuse(**kwargs: Any) -> None:
    refuse_unsafe_start(serves_pages=False)


@worker_init.connect
def purge_stale_wake_ups(**kwargs: Any) -> None:
    """Empty the queue: an hour of beat without a worker leaves 7,200 messages, which a worker discards one by one, a
    few dozen a second, before any new one. The work itself is in the tables.
    """
    # Without a broker there is nothing to empty; the worker reconnects by itself.
    with suppress(OperationalError, RedisError):
        app.control.purge()


@setup_logging.connect
def _keep_logging(**kwargs: Any) -> None:
    """Keep the logging of the settings: Celery would raise the level of the product's own lines."""


@worker_before_create_process.connect
def settle_parent(**kwargs: Any) -> None:
    """Prepare the process from which the next one is forked: what is done after that would copy its memory."""
    settle()


@worker_process_init.connect
def keep_connections(**kwargs: Any) -> None:
    """Let the connections of this process serve many tasks: with a new one for each, a task that runs the actions of a
    save took 20 ms of the worker's processor time and as much of PostgreSQL's, which plans everything anew.
    """
    for database in connections.settings.values():
        # A pool is for the threads of web processes; Django has no lasting connections beside one.
        database["OPTIONS"].pop("pool", None)
        database.update(CONN_MAX_AGE=CONNECTION_SECONDS, CONN_HEALTH_CHECKS=True)


@worker_process_init.connect
def compile_at_notice(**kwargs: Any) -> None:
    """Compile new releases when they are announced, in every process of the worker."""
    # Celery imports this module before the apps are loaded.
    import_module("catalogue.publish_notices").listen_for_releases()


@beat_init.connect
def report_beat(**kwargs: Any) -> None:
    """Let this process show that it is alive whenever it sends the task of the shortest schedule."""
    after_task_publish.connect(_note_beat)


def _note_beat(sender: str | None = None, **kwargs: Any) -> None:
    if sender == _PULSE_TASK:
        # Without Redis nobody sees it.
        with suppress(RedisError):
            note_heartbeat(BEAT_HEARTBEAT)


@before_task_publish.connect
def _send_correlation_id(headers: dict[str, Any] | None = None, **kwargs: Any) -> None:
    if headers is not None:
        headers.setdefault(HEADER, get_contextvars().get("correlation_id"))


@task_prerun.connect
def _bind_correlation_id(task_id: str, task: Task, **kwargs: Any) -> None:
    clear_contextvars()
    # A worker merges the message's headers into the request; calls within the process keep them separate.
    sent = task.request.get(HEADER) or (task.request.headers or {}).get(HEADER)
    bind_contextvars(correlation_id=correlation_id_of(sent), task=task.name, task_id=task_id)
    if not task.request.is_eager:
        # Celery itself only counts the tasks of a connection; a broken one must not fail them all.
        close_old_connections()


@task_postrun.connect
def _forget_correlation_id(task: Task | None = None, **kwargs: Any) -> None:
    clear_contextvars()
    if task is not None and task.name == _PULSE_TASK:
        with suppress(RedisError):
            note_heartbeat(WORKER_HEARTBEAT)
