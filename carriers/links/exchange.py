"""One HTTP request to a carrier: a permit before it, bounded reading, and its result for breaker, metrics and log.

Knows whether anything was sent, which decides between "certainly not accepted" and "may have been accepted".
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import httpx2
import msgspec
import structlog

from carriers.links.breaker import Permit, return_permit, take_permit
from carriers.links.breaker_rules import Result
from carriers.links.errors import CarrierBusy, CarrierError, CircuitOpen
from carriers.links.link import CallContext, Link
from carriers.links.metrics import calls, refusals, seconds
from carriers.links.traffic import CallRecord, note_call
from carriers.links.transport import carrier_guard, http_client
from webhooks.retry_schedule import requested_seconds
from webhooks.ssrf import RefusedAddress

#: The most bytes of a response that are read.
MOST_READ: Final = 1024 * 1024
#: Statuses with which a carrier requests a pause, and the seconds without ``Retry-After``.
PAUSES: Final[Mapping[int, float]] = {429: 5.0, 503: 30.0}
#: The longest pause that a carrier can request, in seconds.
LONGEST_PAUSE: Final = 3_600.0
_SENDING: Final = ("http11.send_request_headers.started", "http2.send_request_headers.started")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request: ``path`` below the link's address. ``is_safe`` means that repeating it does no harm."""

    operation: str
    method: str
    path: str
    is_safe: bool
    #: Whether 404 is a regular response, which has no value.
    may_be_missing: bool = False
    content: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: Reads the body of a 2xx response. Raises ``MsgspecError``.
    decode: Callable[[bytes], Any]


@dataclass(kw_only=True, slots=True)
class Response:
    """A complete response. ``problem`` states why a 2xx response can't be used; else its ``value`` is decoded."""

    status: int
    content: bytes = field(repr=False)
    pause: float = 0.0
    seconds: float = 0.0
    value: Any = field(default=None, repr=False)
    problem: str = ""

    @property
    def is_success(self) -> bool:
        """Return whether the status is a 2xx."""
        return 200 <= self.status < 300


class RequestFailed(Exception):
    """There is no complete response. ``was_sent`` states whether the carrier may have received anything."""

    def __init__(self, reason: str, *, was_sent: bool, seconds: float) -> None:
        super().__init__(reason)
        self.reason = reason
        self.was_sent = was_sent
        self.seconds = seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The outcome of a request that was sent, for metrics and log."""

    seconds: float
    status: int | None = None
    error: CarrierError | None = None
    reply: dict[str, Any] | None = None


@dataclass(kw_only=True)
class Exchange:
    """The progress of one request."""

    link: Link
    request: Request
    was_sent: bool = False
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Return the time since its start."""
        return time.monotonic() - self.started

    async def trace(self, event: str, details: Any) -> None:
        """Note when the first byte of the request is sent; httpcore2 calls this."""
        if event in _SENDING:
            self.was_sent = True


async def permit_for(link: Link, request: Request, *, patience: float) -> Permit:
    """Return a permit, waiting at most ``patience`` seconds for the pace. Raises ``CircuitOpen`` or ``CarrierBusy``."""
    until = time.monotonic() + patience
    while True:
        try:
            return await take_permit(link)
        except CarrierBusy as busy:
            if time.monotonic() + busy.retry_after > until:
                refusals.labels(link.carrier, busy.code).inc()
                raise
            await asyncio.sleep(busy.retry_after)
        except CircuitOpen as error:
            refusals.labels(link.carrier, error.code).inc()
            raise


async def send(link: Link, request: Request, *, patience: float = 0.0) -> Response:
    """Send ``request`` and return the complete response of any status.

    Raises ``CircuitOpen``, ``CarrierBusy`` or ``RequestFailed``.
    """
    permit = await permit_for(link, request, patience=patience)
    exchange = Exchange(link=link, request=request)
    result, pause = Result.UNSENT, 0.0
    try:
        response = _decoded(request, await _send(exchange))
        result, pause = _result_of(link, response), response.pause
        return response
    except RefusedAddress as error:
        raise RequestFailed("refused address", was_sent=False, seconds=exchange.seconds) from error
    except BaseException as error:
        # A cancelled call says nothing unless the carrier may have received it.
        is_cancelled = not isinstance(error, Exception)
        result = Result.UNSENT if is_cancelled and not exchange.was_sent else Result.FAILURE
        if is_cancelled:
            raise
        raise RequestFailed(_reason(error), was_sent=exchange.was_sent, seconds=exchange.seconds) from error
    finally:
        await return_permit(permit, result, pause=pause)


async def _send(exchange: Exchange) -> Response:
    link, request = exchange.link, exchange.request
    url = link.base_url.rstrip("/") + request.path
    carrier_guard().check_url(url)  # Rows outlive the settings that they were checked against.
    timeouts = httpx2.Timeout(link.timeout_seconds, connect=min(link.connect_seconds, link.timeout_seconds))
    async with (
        asyncio.timeout(link.timeout_seconds),
        http_client().stream(
            request.method,
            url,
            content=request.content,
            headers=dict(request.headers),
            timeout=timeouts,
            extensions={"trace": exchange.trace},
        ) as response,
    ):
        content, problem = await _read(response)
    return Response(
        status=response.status_code,
        content=content,
        pause=_pause(response),
        problem=problem,
        seconds=exchange.seconds,
    )


def _pause(response: httpx2.Response) -> float:
    """Return the seconds for which the carrier requests a pause, 0 if it does not."""
    default = PAUSES.get(response.status_code)
    if default is None:
        return 0.0
    requested = requested_seconds(response.headers.get("retry-after", "")[:64], now=datetime.now(UTC))
    return min(default if requested is None else requested, LONGEST_PAUSE)


async def _read(response: httpx2.Response) -> tuple[bytes, str]:
    """Return the body as it was sent, or b"" and the reason why it is not read."""
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        return b"", "compressed"  # Not requested; decompressing could make any amount of bytes of a few.
    content = bytearray()
    async for chunk in response.aiter_raw():
        content += chunk
        if len(content) > MOST_READ:
            return b"", "too large"
    return bytes(content), ""


def _decoded(request: Request, response: Response) -> Response:
    """Decode the body of a 2xx response."""
    if response.is_success and not response.problem:
        try:
            response.value = request.decode(response.content)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            response.problem = "not as agreed"
    return response


def _result_of(link: Link, response: Response) -> Result:
    """Return what the response says about the carrier's health: 5xx, unusable and slow ones are failures."""
    if response.status >= 500 or response.problem or response.seconds > link.slow_seconds:
        return Result.FAILURE
    return Result.SUCCESS


def _reason(error: BaseException) -> str:
    """Return a short name of a failure, without any of its details."""
    if isinstance(error, TimeoutError | httpx2.TimeoutException):
        return "timeout"
    if isinstance(error, httpx2.ConnectError):
        causes = (error.__cause__, error.__context__, getattr(error.__cause__, "__context__", None))
        return "tls" if any(isinstance(cause, ssl.SSLError) for cause in causes) else "no connection"
    return "broken connection"


def note(link: Link, request: Request, context: CallContext, outcome: Outcome) -> None:
    """Count a request that was sent, and write it to the traffic log."""
    error = outcome.error
    calls.labels(link.carrier, request.operation, error.code if error is not None else "success").inc()
    seconds.labels(link.carrier, request.operation).observe(outcome.seconds)
    log.info(
        "carrier_call",
        carrier=link.carrier,
        operation=request.operation,
        status=outcome.status,
        error=error.code if error is not None else "",
        milliseconds=round(outcome.seconds * 1000),
        correlation_id=context.correlation_id,
    )
    note_call(
        CallRecord(
            link_id=link.id,
            catalogue=link.catalogue,
            carrier=link.carrier,
            operation=request.operation,
            status=outcome.status,
            error=error.code if error is not None else "",
            detail=str(getattr(error, "reason", ""))[:100],
            duration=round(outcome.seconds * 1000),
            context=context,
            reply=outcome.reply,
            at=datetime.now(UTC),
        )
    )
