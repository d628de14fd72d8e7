"""A TCP proxy in front of PostgreSQL or Redis, in its own thread: it delays, cuts, swallows data, and loses the reply
to a save while the save itself succeeds.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any, Final

from tests.harness.faults.wire import Conversation
from tests.harness.tiers import PATIENCE

CHUNK: Final = 65_536


class Fate(Enum):
    """The fate of a save on the wire."""

    PASSES = "passes"
    #: The server never sees it.
    REQUEST_LOST = "request lost"
    #: The server carries it out; the client's connection is reset before a byte of the reply.
    REPLY_LOST = "reply lost"


class Proxy:
    """One listening port in front of ``target``. Settings hold from the next chunk on; made by ``proxying``."""

    def __init__(self, target: int) -> None:
        """Prepare a proxy for the port ``target`` of this machine."""
        self.port = 0
        #: Decides the fate of each save.
        self.fate_of_save: Callable[[], Fate] = lambda: Fate.PASSES
        self.delay_seconds = 0.0
        self.is_blackhole = self.is_refusing = False
        self.seen: Counter[Fate] = Counter()
        self._target = target
        self._clients: set[asyncio.StreamWriter] = set()
        self._loop: asyncio.AbstractEventLoop
        self._ended: asyncio.Event
        self._is_listening = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._listen()))

    def cut(self) -> None:
        """Close every connection in good order."""
        self._do(self._close_all(reset=False))

    def reset(self) -> None:
        """Reset every connection."""
        self._do(self._close_all(reset=True))

    def start(self) -> None:
        """Listen. Runs until ``stop``."""
        self._thread.start()
        assert self._is_listening.wait(PATIENCE), "the proxy does not listen"

    def stop(self) -> None:
        """Close everything."""
        self.is_blackhole = False
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(PATIENCE)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    async def _listen(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._is_listening.set()
        await self._ended.wait()
        server.close()
        await self._close_all(reset=True)
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0.001)

    async def _close_all(self, *, reset: bool) -> None:
        for client in list(self._clients):
            _close(client, reset=reset)

    async def _serve(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        if self.is_refusing:
            _close(client, reset=True)
            return
        try:
            from_server, server = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            _close(client, reset=True)
            return
        self._clients.add(client)
        talk = Conversation()
        ways = [self._carry_up(reader, server, talk), self._carry_down(from_server, client, talk)]
        tasks = [asyncio.ensure_future(way) for way in ways]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._clients.discard(client)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            _close(server, reset=False)
            _close(client, reset=talk.is_lost)

    async def _carry_up(self, reader: asyncio.StreamReader, server: asyncio.StreamWriter, talk: Conversation) -> None:
        while data := await self._read(reader):
            if talk.is_save(data):
                fate = self.fate_of_save()
                self.seen[fate] += 1
                talk.is_lost = fate is not Fate.PASSES
                if fate is Fate.REQUEST_LOST:
                    return
            server.write(data)
            await server.drain()

    async def _carry_down(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter, talk: Conversation) -> None:
        while data := await self._read(reader):
            answered = talk.is_answered(data)
            if not talk.is_lost:
                client.write(data)
                await client.drain()
            elif answered:
                return

    async def _read(self, reader: asyncio.StreamReader) -> bytes:
        try:
            data = await reader.read(CHUNK)
        except ConnectionError:
            return b""
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        while self.is_blackhole:
            await asyncio.sleep(0.01)
        return data


@contextmanager
def proxying(target: int) -> Iterator[Proxy]:
    """Run a proxy in front of the port ``target`` for the block."""
    proxy = Proxy(target)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()


def _close(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    if reset:
        with contextlib.suppress(OSError):
            # No lingering: the peer gets a reset instead of an end.
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.close()
