"""A receiver that misbehaves by seed, on raw sockets: wrong statuses, silence, resets, endless bodies.

Each path is an endpoint; seed, path and number of requests decide the response.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager

#: The possible treatments of a request, and the result that the product must record: (status, error).
FAULTS = {
    "500": (500, ""),
    "429": (429, ""),
    "302": (302, ""),
    "hang": (None, "timeout"),
    "slow": (None, "timeout"),
    "reset": (None, "broken_connection"),
    "big": (500, ""),
}
#: Those that the product ends by its time limit.
SILENT = frozenset({"hang", "slow"})
ASKED = 400


class Chaos:
    """The receiver: ``plan`` has the response of each path, attempt by attempt; afterwards always 200."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.plan: dict[str, list[str]] = {}
        self.asked: Counter[str] = Counter()
        self.ids: dict[str, list[str]] = defaultdict(list)
        self.sent: Counter[str] = Counter()
        self.port = 0

    def url(self, path: str, plan: list[str]) -> str:
        self.plan[path] = plan
        return f"http://127.0.0.1:{self.port}{path}"

    def some_faults(self, most: int, *, kinds: Collection[str] = FAULTS) -> list[str]:
        return [self._random.choice(sorted(kinds)) for _ in range(self._random.randint(0, most))]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            path = head.split(" ")[1]
            lines = dict(line.split(": ", 1) for line in head.lower().split("\r\n")[1:] if ": " in line)
            await reader.readexactly(int(lines["content-length"]))
            plan = self.plan.get(path, [])
            number = self.asked[path]
            self.asked[path] += 1
            self.ids[path].append(lines["webhook-id"])
            await self._answer(plan[number] if number < len(plan) else "200", path, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the product closed the connection, or the test is over
        finally:
            writer.close()

    async def _answer(self, what: str, path: str, writer: asyncio.StreamWriter) -> None:
        if what == "hang":
            await asyncio.sleep(300)
        elif what == "slow":
            for letter in b"HTTP/1.1 200 OK\r\nx-slow: " + b"x" * 10_000:
                writer.write(bytes([letter]))
                await writer.drain()
                await asyncio.sleep(0.05)
        elif what == "reset":
            # Closed with a reset.
            raw = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif what == "big":
            writer.write(b"HTTP/1.1 500 Bad\r\ncontent-length: 10000000\r\n\r\n")
            for _ in range(1_000):
                writer.write(b"x" * 10_000)
                await writer.drain()
                self.sent[path] += 10_000
        else:
            more = {
                "429": f"retry-after: {ASKED}\r\n",
                "302": f"location: http://127.0.0.1:{self.port}/trap\r\n",
                # With a zone offset beyond the range of a timedelta.
                "nonsense": f"retry-after: Mon, 01 Jan 2020 00:00:00 +{'9' * 20}\r\n",
            }
            code = 429 if what == "nonsense" else what
            status = f"HTTP/1.1 {code} Some\r\n{more.get(what, '')}content-length: 2\r\n\r\nok"
            writer.write(status.encode())
            await writer.drain()


@contextmanager
def chaos(seed: int) -> Iterator[Chaos]:
    """Run a receiver in a thread of its own."""
    receiver, loop, ready = Chaos(seed), asyncio.new_event_loop(), threading.Event()
    servers: list[asyncio.Server] = []

    async def start() -> None:
        server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
        receiver.port = server.sockets[0].getsockname()[1]
        servers.append(server)
        ready.set()

    async def stop() -> None:
        servers[0].close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    starting = loop.create_task(start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    ready.wait(60)
    try:
        yield receiver
    finally:
        assert starting.done()
        asyncio.run_coroutine_threadsafe(stop(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
