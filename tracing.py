"""Spans of OpenTelemetry at named steps: requests, saves, statements, calls of carriers, deferred actions.

They are off unless a process starts them (``OTEL_EXPORTER_OTLP_ENDPOINT``), and then need the packages of the extra
``otel``. While they are off a step costs one read of a global, and nothing of OpenTelemetry is imported. A span has no
values: no parameters, no paths, and of an exception only its type.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import wraps
from importlib import import_module
from typing import Any, Final, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_SERVICE: Final = "partner-engine"
_NOTHING: Final[AbstractContextManager[Any]] = nullcontext()
_tracer: Any = None
_failed: Any = None


class TracingUnavailable(Exception):
    """The packages of the extra ``otel`` are missing."""

    def __init__(self) -> None:
        super().__init__(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but the packages for traces are not installed: install "
            "requirements-otel.txt, or remove the setting."
        )


def start_tracing(exporter: Any = None) -> None:
    """Export spans from now on, to ``exporter`` at once, or without one to the endpoint of OpenTelemetry's variables.

    Raises ``TracingUnavailable``.
    """
    global _tracer, _failed
    os.environ.setdefault("OTEL_SERVICE_NAME", _SERVICE)
    try:
        api = import_module("opentelemetry.trace")
        sdk = import_module("opentelemetry.sdk.trace")
        export = import_module("opentelemetry.sdk.trace.export")
        if exporter is None:
            otlp = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
            processor = export.BatchSpanProcessor(otlp.OTLPSpanExporter())
        else:
            processor = export.SimpleSpanProcessor(exporter)
    except ImportError as error:
        raise TracingUnavailable from error
    provider = sdk.TracerProvider()
    provider.add_span_processor(processor)
    _failed = api.StatusCode.ERROR
    _tracer = provider.get_tracer(_SERVICE)


def stop_tracing() -> None:
    """Export no spans from now on."""
    global _tracer
    _tracer = None


def is_tracing() -> bool:
    """Return whether spans are exported, for callers whose names and attributes cost something."""
    return _tracer is not None


def span(name: str, **attributes: str | int) -> AbstractContextManager[Any]:
    """Return a block that is measured as the span ``name``; it yields the span, None while traces are off."""
    return _NOTHING if _tracer is None else _measured(name, attributes)


def traced(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Measure each call of the decorated function as the span ``name``."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def measured(*args: P.args, **kwargs: P.kwargs) -> R:
            if _tracer is None:
                return function(*args, **kwargs)
            with _measured(name, {}):
                return function(*args, **kwargs)

        return measured

    return decorate


@contextmanager
def _measured(name: str, attributes: dict[str, Any]) -> Iterator[Any]:
    options: dict[str, Any] = {"record_exception": False, "set_status_on_exception": False}
    with _tracer.start_as_current_span(name, attributes=attributes, **options) as current:
        try:
            yield current
        except BaseException as error:
            # Not the exception itself: its text may quote an answer.
            current.set_attribute("error.type", type(error).__qualname__)
            current.set_status(_failed)
            raise
