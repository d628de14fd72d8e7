"""The metrics of requests, with few labels: the number of series does not grow with paths, methods or views.

A scrape stays small whatever clients send: paths count as one of nine faces, methods outside of the usual ones as
``other``. Which page or endpoint was slow is in the log (``slow_request``).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter, Histogram, disable_created_metrics
from structlog.contextvars import get_contextvars

from tracing import span

#: The faces by the beginning of their paths; the first that matches counts.
_FACES: Final = (
    ("/api/", "api"),
    ("/o/", "tokens"),
    ("/admin/", "admin"),
    ("/guest/", "guests"),
    ("/static/", "static"),
    ("/carrier_callbacks/", "carriers"),
    ("/.well-known/", "tokens"),
    ("/healthz", "probes"),
    ("/readyz", "probes"),
    ("/metrics", "probes"),
)
_PAGES: Final = "pages"
_METHODS: Final = frozenset({"GET", "POST", "PATCH", "DELETE"})
_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
#: The longest wait is that of requests that are refused after it.
_WAITS: Final = (0.01, 0.05, 0.25, 1.0, 2.5)

# Otherwise each counter and histogram has a second line with the time of its first use.
disable_created_metrics()
requests: Final = Counter(
    "django_http_requests_total_by_view_transport_method",
    "Count of requests by face, transport, method.",
    ["view", "transport", "method"],
)
responses: Final = Counter(
    "django_http_responses_total_by_status_view", "Count of responses by status, face.", ["status", "view"]
)
seconds: Final = Histogram(
    "django_http_requests_latency_seconds_by_view", "Seconds of requests by face.", ["view"], buckets=_SECONDS
)
#: Of requests that waited only, so that the others cost nothing.
place_waits: Final = Histogram(
    "partner_engine_place_wait_seconds",
    "Seconds that requests waited for their turn in this process, by outcome: taken, refused.",
    ["outcome"],
    buckets=_WAITS,
)
for _outcome in ("taken", "refused"):
    # At 0 from the start: a rate needs two values.
    place_waits.labels(_outcome)


def face_of(path: str) -> str:
    """Return the face of the product that ``path`` belongs to."""
    return next((face for prefix, face in _FACES if path.startswith(prefix)), _PAGES)


def count_early_response(*, path: str, status: int) -> None:
    """Count a response that was sent before the middleware."""
    responses.labels(str(status), face_of(path)).inc()


class RequestMetricsMiddleware:
    """Counts requests, measures their time and makes their spans."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Process ``request`` and note it."""
        face, began = face_of(request.path), time.perf_counter()
        method = request.method if request.method in _METHODS else "other"
        requests.labels(face, "https" if request.is_secure() else "http", method).inc()
        with span(f"{method} {face}", correlation_id=get_contextvars().get("correlation_id", "")) as current:
            response = self.get_response(request)
            if current is not None:
                current.set_attribute("http.response.status_code", response.status_code)
        responses.labels(str(response.status_code), face).inc()
        seconds.labels(face).observe(time.perf_counter() - began)
        return response
