"""Structured logs: JSON in production, readable in development.

Every line carries what was bound to the work: correlation id, tenant, actor. Values stay out: a traceback keeps its
files, lines and kinds of exceptions, and loses their texts, which may quote an answer.
"""

from __future__ import annotations

import logging.config
import sys
import traceback
from collections.abc import MutableMapping
from functools import cache
from types import TracebackType
from typing import Any, Final

import structlog
from structlog.typing import Processor

#: Exceptions whose text is a fixed sentence to the operator.
_TOLD: Final = frozenset({"ImproperlyConfigured", "SystemCheckError", "ModuleNotFoundError"})

#: Statements, bodies and names are in their lines below a warning, whatever LOG_LEVEL says.
_QUIET: Final = (
    # Addresses with their queries would hold names that people search for.
    "uvicorn.access",
    "axes",
    # Each second a line for each task that only looks whether there is work.
    "celery",
    "django_celery_beat",
    "asyncio",
    "django.db.backends",
    "django.template",
    "oauthlib",
    "oauth2_provider",
    "psycopg",
    "urllib3",
)
_ABOUT_TASKS: Final = ("celery.app.trace", "celery.worker.request", "celery.worker.strategy")

Event = MutableMapping[str, Any]
ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def logging_settings(*, is_readable: bool, level: str) -> dict[str, Any]:
    """Return the standard library's logging settings; ``is_readable`` for people, else one JSON object a line."""
    renderers: list[Processor] = [structlog.processors.JSONRenderer()]
    if is_readable:
        renderers = [_as_text, structlog.dev.ConsoleRenderer(colors=False, sort_keys=False)]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _processors(),
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
            }
        },
        "filters": {"tasks": {"()": TaskWithoutDetails}},
        "handlers": {"standard": {"class": "logging.StreamHandler", "formatter": "structured", "filters": ["tasks"]}},
        "root": {"handlers": ["standard"], "level": level},
        "loggers": {
            # Django's own handlers would write the lines a second time, in another form.
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            "django.server": {"handlers": [], "level": "INFO", "propagate": True},
            # Every request is told once already, with its id.
            "django.request": {"level": "ERROR"},
            **{name: {"level": "WARNING"} for name in _QUIET},
        },
    }


def configure(settings: dict[str, Any]) -> None:
    """Apply ``settings``, and send structlog's lines the same way. Django calls it at its start."""
    logging.config.dictConfig(settings)
    structlog.configure(
        processors=_steps(),
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


@cache
def _steps() -> list[Processor]:
    """Return one and the same list each time: loggers keep the list that they were first used with."""
    return [*_processors(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter]


def _processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        exception_without_values,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.UnicodeDecoder(),
    ]


def exception_without_values(logger: Any, method: str, event: Event) -> Event:
    """Put the exception's kinds and places into ``event``; leave out texts and variables."""
    info = _exception_info(event.pop("exc_info", None))
    if info is not None:
        event["exception"] = [_told(error) for error in _chain(info[1])]
    return event


def _as_text(logger: Any, method: str, event: Event) -> Event:
    """Turn the exception into the lines that a person reads."""
    told = event.get("exception")
    if isinstance(told, list):
        event["exception"] = "\n".join(
            line
            for error in reversed(told)
            for line in [
                *(f"  {frame}" for frame in error["frames"]),
                ": ".join(filter(None, [error["type"], error.get("text")])),
            ]
        )
    return event


class TaskWithoutDetails(logging.Filter):
    """Names the task that failed; Celery's own line quotes arguments and the exception's text."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten Celery's lines about tasks; keep every line."""
        if record.name in _ABOUT_TASKS and isinstance(record.args, dict):
            task = record.args
            record.msg = f"Task {task.get('name')}[{task.get('id')}] {task.get('description', 'ended')}"
            record.args = None
        return True


def _exception_info(given: Any) -> ExceptionInfo | None:
    if isinstance(given, BaseException):
        return type(given), given, given.__traceback__
    if isinstance(given, tuple) and given[1] is not None:
        return given
    if given is True or given == 1:
        found = sys.exc_info()
        return found if found[1] is not None else None
    return None


def _chain(error: BaseException) -> list[BaseException]:
    """Return the exception and what caused it, the first cause last."""
    found: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in found:
        found.append(current)
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return found


def _told(error: BaseException) -> dict[str, Any]:
    kind = type(error)
    told: dict[str, Any] = {"type": f"{kind.__module__}.{kind.__qualname__}"}
    if kind.__name__ in _TOLD:
        told["text"] = str(error)
    # lookup_lines=False: neither source nor variables are touched.
    frames = traceback.StackSummary.extract(
        traceback.walk_tb(error.__traceback__), lookup_lines=False, capture_locals=False
    )
    told["frames"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return told
