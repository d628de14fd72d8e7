"""The agents of the load test: each has a socket at its copy and saves one answer at fixed moments, over plain asyncio.

The load shares its machine with the product, so this client does as little as a client can: it prepares requests as
bytes, reads a response only as far as its length, and decodes nothing but the version of a copy.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

#: Makes a request from the number of the call and the version of the copy.
MakeRequest = Callable[[int, int], bytes]

_VERSION: Final = re.compile(rb'"version": ?(\d+)')
_LENGTH: Final = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
_PATIENCE: Final = 30.0
_PING, _PONG, _CLOSE, _TEXT = 0x9, 0xA, 0x8, 0x1


@dataclass(frozen=True, kw_only=True)
class Agent:
    """One agent: the port of its web process, the handshake of its socket and its requests."""

    port: int
    opening: bytes
    request: MakeRequest


@dataclass(kw_only=True)
class Experienced:
    """The seconds of all calls that were due in one window, the reasons of failed ones, and how many saves and frames
    arrived in it.
    """

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    saved: int = 0
    frames: int = 0


class Calls(asyncio.Protocol):
    """One connection of an agent's browser: a request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport | None = None
        self._received = bytearray()
        self._missing = -1
        self._done: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        """Fail the request that still waits."""
        if self._done is not None and not self._done.done():
            self._done.set_exception(ConnectionError("the connection was closed"))

    def data_received(self, data: bytes) -> None:
        """Complete the response when all of it is here."""
        self._received += data
        if self._missing < 0:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            length = _LENGTH.search(self._received, 0, end)
            self._missing = end + 4 + (int(length[1]) if length else 0)
        if len(self._received) >= self._missing and self._done is not None and not self._done.done():
            self._done.set_result(bytes(self._received))

    async def send(self, request: bytes) -> bytes:
        """Return the response to ``request``. Raises ``OSError`` and ``TimeoutError``."""
        assert self._transport is not None
        self._received.clear()
        self._missing, self._done = -1, asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await asyncio.wait_for(self._done, _PATIENCE)


class Socket(asyncio.Protocol):
    """One open WebSocket: counts text frames, and responds to pings."""

    def __init__(self, opening: bytes) -> None:
        self.is_closed, self.frames = False, 0
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._opening, self._received, self._is_open = opening, bytearray(), False
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the handshake."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        transport.write(self._opening)

    def connection_lost(self, error: Exception | None) -> None:
        """Note the end."""
        self.is_closed = True

    def data_received(self, data: bytes) -> None:
        """Read whole frames."""
        self._received += data
        if not self._is_open:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            assert self._received.startswith(b"HTTP/1.1 101"), bytes(self._received[:200])
            del self._received[: end + 4]
            self._is_open = True
        while (frame := self._frame()) is not None:
            self._take(*frame)

    def _frame(self) -> tuple[int, bytes] | None:
        """Return the next whole frame; a server masks none and sends none of more than 64 kB."""
        got = self._received
        if len(got) < 2:
            return None
        length, begin = got[1], 2
        if length == 126:
            length, begin = int.from_bytes(got[2:4], "big"), 4
        if len(got) < begin + length:
            return None
        opcode, content = got[0] & 0xF, bytes(got[begin : begin + length])
        del got[: begin + length]
        return opcode, content

    def _take(self, opcode: int, content: bytes) -> None:
        assert self._transport is not None
        if opcode == _PING:
            # Masked by zeros, which leaves the content as it is.
            self._transport.write(bytes([0x80 | _PONG, 0x80 | len(content), 0, 0, 0, 0]) + content)
        elif opcode == _CLOSE:
            self.is_closed = True
        elif opcode == _TEXT and b'"snapshot"' in content[:40]:
            if not self.ready.done():
                self.ready.set_result(None)
        elif opcode == _TEXT and b'"heartbeat"' not in content[:40]:
            self.frames += 1


async def work(
    agents: Sequence[Agent], *, every: float, window: float, windows: int, between: Callable[[int], None]
) -> list[Experienced]:
    """Let the agents save every ``every`` seconds, evenly spread, and return what they experienced by window.

    A save counts from the moment at which it should have been sent: one that waits behind a slow one is slow too.
    ``between`` is called in a thread at the begin of each window and at the end of the last one, with its number. The
    first window only warms up.
    """
    loop = asyncio.get_running_loop()
    results = [Experienced() for _ in range(windows + 1)]
    sockets = [await _opened(agent) for agent in agents]
    begins = loop.time() + 0.5
    clock = _Clock(begins=begins, every=every, window=window, results=results)
    tasks = [
        asyncio.create_task(_save(agent, clock, first=begins + place * every / len(agents)))
        for place, agent in enumerate(agents)
    ]
    seen = sum(one.frames for one in sockets)
    for number in range(windows + 1):
        await asyncio.sleep(begins + number * window - loop.time())
        await asyncio.to_thread(between, number)
        await asyncio.sleep(begins + (number + 1) * window - loop.time())
        seen, before = sum(one.frames for one in sockets), seen
        results[number].frames = seen - before
    await asyncio.to_thread(between, windows + 1)
    await asyncio.gather(*tasks)
    results[-1].failures += ["a socket was closed" for one in sockets if one.is_closed]
    return results[1:]


@dataclass(frozen=True, kw_only=True)
class _Clock:
    """The moments of a run, by the clock of the loop, and where the experience of each window goes."""

    begins: float
    every: float
    window: float
    results: list[Experienced]

    def window_of(self, moment: float) -> Experienced | None:
        """Return the window of ``moment``, None after the last one."""
        number = int((moment - self.begins) / self.window)
        return self.results[number] if number < len(self.results) else None


async def _opened(agent: Agent) -> Socket:
    loop = asyncio.get_running_loop()
    _, one = await loop.create_connection(lambda: Socket(agent.opening), "127.0.0.1", agent.port)
    await asyncio.wait_for(one.ready, _PATIENCE)
    return one


async def _save(agent: Agent, clock: _Clock, *, first: float) -> None:
    """Save at ``first`` and then every few seconds, until the windows are over."""
    loop, version = asyncio.get_running_loop(), 1
    _, calls = await loop.create_connection(Calls, "127.0.0.1", agent.port)
    for number in itertools.count():
        due = first + number * clock.every
        experienced = clock.window_of(due)
        if experienced is None:
            return
        await asyncio.sleep(due - loop.time())
        try:
            response = await calls.send(agent.request(number, version))
        except (OSError, TimeoutError) as error:
            experienced.failures.append(repr(error))
            _, calls = await loop.create_connection(Calls, "127.0.0.1", agent.port)
            continue
        experienced.seconds.append(loop.time() - due)
        found = _VERSION.search(response) if response.startswith(b"HTTP/1.1 200") else None
        if found is None or int(found[1]) <= version:
            experienced.failures.append(f"nothing saved: {response[:300]!r}")
        else:
            version = int(found[1])
            now = clock.window_of(loop.time())
            if now is not None:
                now.saved += 1
