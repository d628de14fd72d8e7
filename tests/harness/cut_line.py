"""A connection to a server that can be cut: a TCP relay in separate threads."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SIZE = 65_536


class Line:
    """Relays 127.0.0.1:``port`` to the server at port ``to``; while it is cut, it forwards nothing and accepts no
    connection.
    """

    def __init__(self, to: int) -> None:
        self.to = to
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self._is_cut = False
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        threading.Thread(target=self._take, daemon=True).start()

    def cut(self) -> None:
        """Break all connections; new ones are broken at once."""
        with self._guard:
            self._is_cut = True
            ending = list(self._open)
        for end in ending:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def repair(self) -> None:
        """Let everything through again."""
        self._is_cut = False

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self.cut()

    def _take(self) -> None:
        while True:
            try:
                near, _ = self._door.accept()
            except OSError:
                return
            if self._is_cut:
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self.to), timeout=5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            with self._guard:
                self._open |= {near, far}
            left = threading.Semaphore(0)
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._relay, args=(source, target, left), daemon=True).start()
            threading.Thread(target=self._end, args=(near, far, left), daemon=True).start()

    def _relay(self, source: socket.socket, target: socket.socket, left: threading.Semaphore) -> None:
        with contextlib.suppress(OSError):
            while content := source.recv(SIZE):
                target.sendall(content)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        left.release()

    def _end(self, near: socket.socket, far: socket.socket, left: threading.Semaphore) -> None:
        left.acquire()
        left.acquire()
        with self._guard:
            self._open -= {near, far}
        near.close()
        far.close()


@contextmanager
def line_to(port: int) -> Iterator[Line]:
    """Open a line to the server at ``port``."""
    line = Line(port)
    try:
        yield line
    finally:
        line.close()
