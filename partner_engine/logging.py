"""Structured logs: JSON lines in production, readable ones in development. No line holds an answer's value, a request body or SQL parameters."""

from __future__ import annotations

import logging.config
from typing import Any

import structlog
from structlog.types import EventDict, WrappedLogger


def configure(settings: dict[str, Any]) -> None:
    """Set up logging; called by Django with ``settings.LOGGING``: ``{level, json}``."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_arguments_of_errors,
    ]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer() if settings["json"] else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": shared,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"lines": formatter},
            "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "lines"}},
            "root": {"handlers": ["console"], "level": settings["level"]},
            "loggers": {
                "uvicorn.access": {"level": "WARNING"},
                "django.server": {"level": "WARNING"},
                # Statements with their parameters would hold answers.
                "django.db.backends": {"level": "INFO"},
            },
        }
    )


def without_arguments_of_errors(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Replace an exception by the places it passed and its type: its text and the variables around it may hold an answer."""
    found = event.pop("exc_info", None)
    if not found:
        return event
    error = found if isinstance(found, BaseException) else found[1] if isinstance(found, tuple) else None
    if error is not None:
        event["error"] = type(error).__name__
        event["places"] = _places(error)
    return event


def _places(error: BaseException) -> list[str]:
    places = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        module = trace.tb_frame.f_globals.get("__name__", "?")
        places.append(f"{module}.{code.co_name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return places[-20:]
