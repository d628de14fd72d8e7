"""Posts signed bodies over HTTP: many at once in one thread, each within its time limit, reading little of the
response.

Knows no table: it takes URL, headers and body and returns a result.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Protocol

import httpcore2

from webhooks.network import Resolver, pool
from webhooks.ssrf import Guard, RefusedAddress

MOST_KEPT: Final = 1_024
#: Names resolved at the same time. A lookup cannot be cancelled: one without a response occupies its thread for half a
#: minute, and with as few threads as processors a few such names would delay all others.
_LOOKUPS: Final = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Time limits in seconds: to connect, and for a whole post."""

    connect: float = 3.0
    total: float = 15.0


@dataclass(frozen=True, kw_only=True, slots=True)
class PostResult:
    """The result of a post: ``status`` with the beginning of the response, or ``error``. ``duration`` is in seconds."""

    status: int | None = None
    error: str = ""
    retry_after: str = ""
    excerpt: str = ""
    duration: float = 0.0


class WebhookClient(Protocol):
    """Posts ``body`` to ``url``; never raises."""

    def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Future[PostResult]:
        """Return the future result."""


class HttpWebhookClient:
    """A client that posts only to addresses that the guard allows: ``with HttpWebhookClient(guard) as client``."""

    def __init__(self, guard: Guard, *, limits: Limits | None = None, resolve: Resolver | None = None) -> None:
        """Take the ``guard``; ``resolve`` replaces the system's resolver."""
        self._guard = guard
        self._limits = limits or Limits()
        self._pools = {scheme: pool(guard, is_plain=scheme == "http", resolve=resolve) for scheme in ("http", "https")}
        self._loop = asyncio.new_event_loop()
        self._loop.set_default_executor(ThreadPoolExecutor(_LOOKUPS, thread_name_prefix="webhook names"))
        self._thread = threading.Thread(target=self._loop.run_forever, name="webhook posts", daemon=True)

    def __enter__(self) -> HttpWebhookClient:
        """Start the thread."""
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Cancel posts in transit and end the thread."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Future[PostResult]:
        """Post ``body``; the result arrives within the limits."""
        return asyncio.run_coroutine_threadsafe(self._answer(url, headers, body), self._loop)

    async def _answer(self, url: str, headers: Mapping[str, str], body: bytes) -> PostResult:
        started = time.monotonic()
        found: dict[str, str | int] = {}
        try:
            self._guard.check_url(url)  # Rows outlive the settings that they were checked against.
            async with asyncio.timeout(self._limits.total):
                await self._exchange(url, headers, body, found)
            error = ""
        except RefusedAddress:
            error = "refused_address"
        except (TimeoutError, httpcore2.TimeoutException):
            error = "timeout"
        except httpcore2.ConnectError as failure:
            error = "tls" if isinstance(failure.__context__, ssl.SSLError) else "no_connection"
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.UnsupportedProtocol, OSError):
            error = "broken_connection"
        # The status is the result: an error while reading the body does not change it.
        return PostResult(**found, error="" if found else error, duration=time.monotonic() - started)  # type: ignore[arg-type]

    async def _exchange(self, url: str, headers: Mapping[str, str], body: bytes, found: dict[str, str | int]) -> None:
        timeouts = {"connect": self._limits.connect, "read": self._limits.total, "write": self._limits.total}
        chosen = self._pools[url.partition(":")[0].lower()]
        async with chosen.stream(
            "POST", url, headers=list(headers.items()), content=body, extensions={"timeout": timeouts}
        ) as response:
            found["status"] = response.status
            requested = next((value for name, value in response.headers if name.lower() == b"retry-after"), b"")
            found["retry_after"] = requested[:64].decode("ascii", "replace")
            read = b""
            async for chunk in response.aiter_stream():
                read += chunk
                found["excerpt"] = _readable(read[:MOST_KEPT])
                if len(read) >= MOST_KEPT:
                    break

    async def _end(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for each in self._pools.values():
            await each.aclose()
        await self._loop.shutdown_default_executor()


def _readable(content: bytes) -> str:
    """Return ``content`` as text of at most that many bytes, without NUL, which PostgreSQL rejects."""
    text = content.decode("utf-8", "replace").replace("\0", "?")
    return text.encode()[:MOST_KEPT].decode("utf-8", "ignore")
