"""The far end of the live measurement: a process with many sockets, and as many bare Redis subscriptions.

It notes when the bytes of each message arrive, by the clock that all processes of a machine share, and does nothing
else: the work of a browser is not measured. It must not import Django, because it starts in a fresh process.
"""

from __future__ import annotations

import asyncio
import base64
import re
import secrets
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Final

#: The content of every message, on both ways.
MARK: Final = re.compile(rb'(?<!"heartbeat",)"version":(\d+)')
#: A ping and its length; no text of these messages has its first byte.
_PING: Final = re.compile(rb"\x89([\x00-\x7d])", re.DOTALL)
#: Sockets that are opened at a time.
_AT_ONCE: Final = 20


@dataclass(frozen=True, kw_only=True)
class Way:
    """An address to connect to, and the first request there; the reply contains ``greeting`` when it is ready."""

    host: str
    port: int
    openings: tuple[bytes, ...]
    greeting: bytes


@dataclass
class Heard(asyncio.Protocol):
    """One connection: (version, moment) of each message."""

    opening: bytes
    greeting: bytes
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    arrivals: list[tuple[int, float]] = field(default_factory=list)
    _so_far: bytes = b""
    _transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        transport.write(self.opening)

    def data_received(self, data: bytes) -> None:
        """Record the time of arrival."""
        now = time.monotonic()
        if not self.ready.is_set():
            self._so_far += data
            if self.greeting in self._so_far:
                self.ready.set()
            return
        self.arrivals += [(int(found), now) for found in MARK.findall(data)]
        for ping in _PING.finditer(data):
            self._respond(data[ping.end() : ping.end() + ping[1][0]])

    def _respond(self, content: bytes) -> None:
        """Send a pong, masked by zeros; a server closes a socket that sends none."""
        assert self._transport is not None
        self._transport.write(bytes([0x8A, 0x80 | len(content), 0, 0, 0, 0]) + content)


def socket_opening(path: str, *, port: int, cookie: str = "") -> bytes:
    """Return the handshake of a page with a session that opens a socket; without ``cookie`` that of a program."""
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        *([f"Origin: http://127.0.0.1:{port}", f"Cookie: sessionid={cookie}"] if cookie else ()),
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def listen(ways: dict[str, Way], pipe: Connection) -> None:
    """Connect all ways, report it on ``pipe``, and send the arrivals by way on each message there; an empty one ends
    it.
    """
    asyncio.run(_listen(ways, pipe))


async def _open(loop: asyncio.AbstractEventLoop, way: Way, one: Heard) -> None:
    await loop.create_connection(lambda: one, way.host, way.port)
    await asyncio.wait_for(one.ready.wait(), 30)


async def _listen(ways: dict[str, Way], pipe: Connection) -> None:
    loop, heard = asyncio.get_running_loop(), {}
    for name, way in ways.items():
        heard[name] = [Heard(opening, way.greeting) for opening in way.openings]
        for first in range(0, len(heard[name]), _AT_ONCE):
            await asyncio.gather(*(_open(loop, way, one) for one in heard[name][first : first + _AT_ONCE]))
    pipe.send("ready")
    while await asyncio.to_thread(pipe.recv):
        pipe.send({name: [one.arrivals for one in found] for name, found in heard.items()})
        for found in heard.values():
            for one in found:
                one.arrivals = []
