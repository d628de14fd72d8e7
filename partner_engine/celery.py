"""The Celery application: `celery -A partner_engine`. Tasks log with the correlation id of their sender."""

from __future__ import annotations

import os
from contextlib import suppress
from importlib import import_module
from typing import Any, Final

from celery import Celery, Task
from celery.schedules import crontab
from celery.signals import (
    beat_init,
    before_task_publish,
    celeryd_init,
    setup_logging,
    task_postrun,
    task_prerun,
    worker_init,
    worker_process_init,
)
from kombu.exceptions import OperationalError
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

from partner_engine.checks import refuse_unsafe_settings
from partner_engine.correlation import correlation_id_of

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partner_engine.settings")

HEADER: Final = "partner_engine_correlation_id"

app = Celery("partner_engine")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["batch.processes"])
#: Beat writes these into its table when it starts; staff can switch them off there. Messages expire, since late ones
#: are useless. Due actions and webhooks are not listed: `manage.py relay` polls for them without a broker.
app.conf.beat_schedule = {
    "processes: resume": {"task": "batch.processes.tasks.resume", "schedule": 30.0, "options": {"expires": 25}},
    "actions: maintenance": {
        "task": "actions.tasks.run_maintenance",
        "schedule": crontab(minute=17),
        "options": {"expires": 1_800},
    },
}


@beat_init.connect
@celeryd_init.connect
def _refuse(**kwargs: Any) -> None:
    refuse_unsafe_settings()


@worker_init.connect
def purge_stale_wake_ups(**kwargs: Any) -> None:
    """Empty the queue: an hour of beat without a worker leaves 7,200 messages, which a worker discards one by one, a
    few dozen a second, before any new one. The work itself is in the tables.
    """
    # Without a broker there is nothing to empty; the worker reconnects by itself.
    with suppress(OperationalError):
        app.control.purge()


@setup_logging.connect
def _keep_logging(**kwargs: Any) -> None:
    """Keep the logging of the settings: Celery would raise the level of the product's own lines."""


@worker_process_init.connect
def compile_at_notice(**kwargs: Any) -> None:
    """Compile new releases when they are announced, in every process of the worker."""
    # Celery imports this module before the apps are loaded.
    import_module("catalogue.publish_notices").listen_for_releases()


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


@task_postrun.connect
def _forget_correlation_id(**kwargs: Any) -> None:
    clear_contextvars()
