"""Structured logs: JSON in production, readable in development; optionally in files by day (``log_files``).

Every line contains the bound context (correlation id, tenant, actor) and its category (``log_categories``). Values are
left out: a traceback has files, lines and exception types, but no messages, which may quote an answer.
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

from partner_engine.log_categories import add_category, hide_secrets
from partner_engine.log_files import file_handlers

#: Exceptions whose message is a fixed sentence for the operator.
_WITH_MESSAGE: Final = frozenset({"ImproperlyConfigured", "SystemCheckError", "ModuleNotFoundError"})

#: Below warnings these log statements, bodies and names, so they are silenced whatever LOG_LEVEL is.
_QUIET: Final = (
    # URLs with their queries contain the names that people search for.
    "uvicorn.access",
    "axes",
    # One line per second for each task that polls for work.
    "celery",
    "asyncio",
    "django.db.backends",
    "django.template",
    "httpcore2",
    "httpx2",
    "oauthlib",
    "oauth2_provider",
    "psycopg",
    "urllib3",
)
_TASK_LOGGERS: Final = ("celery.app.trace", "celery.worker.request", "celery.worker.strategy")

Event = MutableMapping[str, Any]
ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def logging_settings(
    *, is_readable: bool, level: str, directory: str = "", days: dict[str, int] | None = None
) -> dict[str, Any]:
    """Return the logging settings: text for people if ``is_readable``, else one JSON object per line.

    With a ``directory`` the lines go into files there too, always as JSON; ``days`` says how long each file is kept.
    """
    json: list[Processor] = [structlog.processors.JSONRenderer()]
    readable: list[Processor] = [_as_text, structlog.dev.ConsoleRenderer(colors=False, sort_keys=False)]
    files = file_handlers(directory, days=days or {}) if directory else {}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"structured": _formatter(readable if is_readable else json), "json": _formatter(json)},
        "filters": {
            "tasks": {"()": TaskWithoutDetails},
            "only_security": {"()": "partner_engine.log_files.OnlySecurity"},
        },
        "handlers": {
            "standard": {"class": "logging.StreamHandler", "formatter": "structured", "filters": ["tasks"]},
            **files,
        },
        "root": {"handlers": ["standard", *files], "level": level},
        "loggers": {
            # Django's own handlers would log the lines a second time, in another format.
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            "django.server": {"handlers": [], "level": "INFO", "propagate": True},
            # Every request is logged once already, with its id.
            "django.request": {"level": "ERROR"},
            **{name: {"level": "WARNING"} for name in _QUIET},
        },
    }


def _formatter(renderers: list[Processor]) -> dict[str, Any]:
    return {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": _processors(),
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
    }


def configure(settings: dict[str, Any]) -> None:
    """Apply ``settings`` to the standard library and structlog. Django calls it when it starts."""
    logging.config.dictConfig(settings)
    # No line shows them: the place in the code, the thread and the process (Python's "Logging HOWTO", optimization).
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    structlog.configure(
        processors=_steps(),
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


@cache
def _steps() -> list[Processor]:
    """Return the same list each time: loggers keep the list of their first use."""
    # What the level leaves out takes no further time: a chunk of saves logs a line for each copy.
    return [structlog.stdlib.filter_by_level, *_processors(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter]


def _processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        exception_without_values,
        add_category,
        hide_secrets,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.UnicodeDecoder(),
    ]


def exception_without_values(logger: Any, method: str, event: Event) -> Event:
    """Add the exception's types and positions to ``event``, without messages and variables."""
    info = _exception_info(event.pop("exc_info", None))
    if info is not None:
        event["exception"] = [_described(error) for error in _chain(info[1])]
    return event


def _as_text(logger: Any, method: str, event: Event) -> Event:
    """Format the exception as lines of text."""
    described = event.get("exception")
    if isinstance(described, list):
        event["exception"] = "\n".join(
            line
            for error in reversed(described)
            for line in [
                *(f"  {frame}" for frame in error["frames"]),
                ": ".join(filter(None, [error["type"], error.get("text")])),
            ]
        )
    return event


class TaskWithoutDetails(logging.Filter):
    """Shortens Celery's lines about tasks, which quote arguments and exception messages."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite Celery's lines about tasks; keep every record."""
        if record.name in _TASK_LOGGERS and isinstance(record.args, dict):
            task = record.args
            record.msg = f"Task {task.get('name')}[{task.get('id')}] {task.get('description', 'ended')}"
            record.args = None
        return True


def _exception_info(logged: Any) -> ExceptionInfo | None:
    if isinstance(logged, BaseException):
        return type(logged), logged, logged.__traceback__
    if isinstance(logged, tuple) and logged[1] is not None:
        return logged
    if logged is True or logged == 1:
        current = sys.exc_info()
        return current if current[1] is not None else None
    return None


def _chain(error: BaseException) -> list[BaseException]:
    """Return the exception and its causes, the first cause last."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return chain


def _described(error: BaseException) -> dict[str, Any]:
    kind = type(error)
    described: dict[str, Any] = {"type": f"{kind.__module__}.{kind.__qualname__}"}
    if kind.__name__ in _WITH_MESSAGE:
        described["text"] = str(error)
    # lookup_lines=False: reads neither source code nor variables.
    frames = traceback.StackSummary.extract(
        traceback.walk_tb(error.__traceback__), lookup_lines=False, capture_locals=False
    )
    described["frames"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return described
