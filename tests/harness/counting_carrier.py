"""A carrier on a real socket that responds as the test chooses and counts what it receives; in a thread of the test.

``behave("ok" | "hang" | "cut" | "status 503" | ...)`` decides on the responses from then on; ``seen`` has the method,
path and headers of every request with the monotonic time of its arrival.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

Reply = tuple[int, Mapping[str, str], bytes]
#: Instead of a reply: the connection is cut after the request was processed.
CUT: Reply = (0, {}, b"")

QUOTE = {
    "reference": "Q-1", "request_token": "t-1", "product": "p", "status": "quoted", "sequence": 3,
    "premium": {"amount": 1250, "currency": "USD"}, "is_bindable": True, "updated_at": "2026-01-05T10:00:00Z",
}  # fmt: skip


@dataclass
class Seen:
    """One request as it was received."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float


@dataclass
class CountingCarrier:
    """The running carrier."""

    seen: list[Seen] = field(default_factory=list)
    url: str = ""
    behavior: str = "ok"
    #: Seconds before each response.
    delay: float = 0.0
    #: Replies by a function of the request, before any behavior.
    answer: Callable[[Seen], Reply | None] = lambda request: None
    tokens: int = 0
    _release: asyncio.Event = field(default_factory=asyncio.Event)
    _loop: asyncio.AbstractEventLoop | None = None

    def behave(self, behavior: str, *, delay: float = 0.0) -> None:
        """Respond in another way from now on, also to requests that hang."""
        self.behavior, self.delay = behavior, delay
        if self._loop is not None and behavior != "hang":
            self._loop.call_soon_threadsafe(self._free)

    def count(self, path: str = "") -> int:
        """Return the number of requests whose path contains ``path``."""
        return sum(path in request.path for request in self.seen)

    def _free(self) -> None:
        self._release.set()
        self._release = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Respond to the requests of one connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")
                method, path, _ = lines[0].split(" ")
                headers = {
                    name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
                }
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                request = Seen(method, path, headers, body, time.monotonic())
                self.seen.append(request)
                if self.delay:
                    await asyncio.sleep(self.delay)
                if self.behavior == "hang":
                    await self._release.wait()
                if self.behavior == "cut":
                    break
                status, more, content = self.answer(request) or self._reply(request)
                if status == 0:
                    break
                fields = {"Content-Type": "application/json", "Content-Length": str(len(content)), **more}
                shown = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
                writer.write(f"HTTP/1.1 {status} Done\r\n{shown}\r\n".encode() + content)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    def _reply(self, request: Seen) -> Reply:
        kind, _, rest = self.behavior.partition(" ")
        if request.path == "/oauth/token" and kind != "status":
            self.tokens += 1
            token = {"access_token": f"access-{self.tokens}", "token_type": "Bearer", "expires_in": 3600}
            return 200, {}, json.dumps(token).encode()
        if kind == "status":
            status, _, retry_after = rest.partition(" ")
            return int(status), {"Retry-After": retry_after} if retry_after else {}, b"{}"
        if kind == "body":
            return 200, {}, rest.encode()
        if request.method == "GET" and "link-test" in request.path:
            return 404, {}, b"{}"
        return 200, {}, json.dumps(QUOTE).encode()


@contextmanager
def counting_carrier(*, tls: ssl.SSLContext | None = None) -> Iterator[CountingCarrier]:
    """Run a carrier at a free port of this machine."""
    carrier, is_ready, ends = CountingCarrier(), threading.Event(), []

    async def main() -> None:
        server = await asyncio.start_server(carrier.serve, "127.0.0.1", 0, ssl=tls)
        carrier.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        carrier._loop, end = asyncio.get_running_loop(), asyncio.Event()
        ends.append(end)
        is_ready.set()
        await end.wait()
        server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    is_ready.wait()
    try:
        yield carrier
    finally:
        carrier._loop.call_soon_threadsafe(ends[0].set)  # type: ignore[union-attr]
        thread.join()
