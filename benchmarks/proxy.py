"""A small TCP proxy in front of PostgreSQL, in its own process: counts round trips on the wire and adds delay.

It parses just enough of the protocol to find the server's ReadyForQuery messages, which end each round trip. It must
not import Django, because it starts in a fresh process.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import queue
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from ctypes import c_long
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from typing import Final, Self

READY: Final = ord("Z")
HEADER: Final = 5
#: The requests of a client before it starts; the server responds with one byte that is no message.
ENCRYPTION_REQUESTS: Final = (80877103, 80877104)


class Counts:
    """The counts of the proxy, shared between both processes."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.answers: Synchronized[int] = context.Value(c_long, 0)
        self.turns: Synchronized[int] = context.Value(c_long, 0)

    def read(self) -> tuple[int, int]:
        """Return the number of ReadyForQuery messages, and how often the client sent after a response."""
        return self.answers.value, self.turns.value


class Proxy:
    """Listens on ``port`` of 127.0.0.1 between ``__enter__`` and ``__exit__``.

    ``delay`` is in seconds for a whole round trip: half of it is added to each direction, without slowing data in
    transit.
    """

    def __init__(self, host: str, port: int, *, delay: float = 0) -> None:
        self.counts = Counts()
        context = multiprocessing.get_context("spawn")
        self._receiver, sender = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_serve, args=(host, port, delay / 2, self.counts, sender), daemon=True, name="proxy"
        )
        self.port = 0

    def __enter__(self) -> Self:
        self._process.start()
        if not self._receiver.poll(20):
            raise TimeoutError("The proxy did not start.")
        self.port = self._receiver.recv()
        return self

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.join()
        self._process.close()


def _serve(host: str, port: int, delay: float, counts: Counts, sender: Connection) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    sender.send(listener.getsockname()[1])
    while True:
        client, _ = listener.accept()
        server = socket.create_connection((host, port))
        for side in (client, server):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        conversation = Conversation(counts)
        for source, target, watch in (
            (client, server, conversation.asked),
            (server, client, conversation.answered),
        ):
            threading.Thread(target=_pump, args=(source, target, watch, delay), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket, watch: Callable[[bytes], None], delay: float) -> None:
    """Forward the data of ``source`` until it ends, each piece ``delay`` seconds after its arrival."""
    waiting: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
    if delay:
        threading.Thread(target=_deliver, args=(waiting, target), daemon=True).start()
    for piece in _pieces(source):
        if piece:
            watch(piece)
        if delay:
            waiting.put((time.monotonic() + delay, piece))
        else:
            _hand_on(target, piece)


def _deliver(waiting: queue.SimpleQueue[tuple[float, bytes]], target: socket.socket) -> None:
    piece = b"-"
    while piece:
        due, piece = waiting.get()
        time.sleep(max(0.0, due - time.monotonic()))
        _hand_on(target, piece)


def _hand_on(target: socket.socket, piece: bytes) -> None:
    # The other side may be closed already.
    with contextlib.suppress(OSError):
        if piece:
            target.sendall(piece)
        else:
            target.shutdown(socket.SHUT_WR)


def _pieces(source: socket.socket) -> Iterator[bytes]:
    """Yield the data of ``source``, and an empty piece at its end."""
    piece = b"-"
    while piece:
        try:
            piece = source.recv(1 << 16)
        except OSError:
            piece = b""
        yield piece


class Conversation:
    """One connection's two directions, read for the ends of round trips."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._skip = 0
        self._rest = b""
        self._bare = 0
        self._was_answered = True
        self._has_started = False

    def asked(self, piece: bytes) -> None:
        """Record data of the client: a turn begins where it sends after a response."""
        if not self._has_started:
            length, code = struct.unpack_from("!II", piece)
            if length == 8 and code in ENCRYPTION_REQUESTS:
                self._bare += 1
                return
            self._has_started = True
        if self._was_answered:
            self._was_answered = False
            with self._counts.turns.get_lock():
                self._counts.turns.value += 1

    def answered(self, piece: bytes) -> None:
        """Count the ReadyForQuery messages in data of the server; a message may arrive in several pieces."""
        self._was_answered = True
        data = self._rest + piece
        bare = min(self._bare, len(data))
        place = bare + self._skip
        self._bare -= bare
        found = 0
        while place + HEADER <= len(data):
            kind, length = struct.unpack_from("!BI", data, place)
            found += kind == READY
            place += 1 + length
        self._skip = max(0, place - len(data))
        self._rest = data[place:]
        if found:
            with self._counts.answers.get_lock():
                self._counts.answers.value += found
