"""Broken Redis servers: one that refuses, one that accepts every connection and never responds."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from redis import ConnectionPool, Redis

#: The seconds that the tests' clients wait for a response.
PATIENCE = 0.3


class HangingServer:
    """Accepts connections and data, and never responds; ``connections`` counts them."""

    def __init__(self) -> None:
        self.connections = 0
        self._kept: list[socket.socket] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    @property
    def client(self) -> Redis:
        """Return a client of this server with the product's timeout."""
        return client_at(self._door.getsockname()[1])

    def close(self) -> None:
        """Stop listening, and close all connections."""
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self._thread.join()
        for kept in self._kept:
            kept.close()

    def _take(self) -> None:
        while True:
            try:
                kept, _ = self._door.accept()
            except OSError:
                return
            self._kept.append(kept)
            self.connections += 1


def client_at(port: int) -> Redis:
    """Return a client of the server at ``port``; it gives up after a moment and retries nothing."""
    pool = ConnectionPool(host="127.0.0.1", port=port, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)
    return Redis(connection_pool=pool)


@contextmanager
def hanging_server() -> Iterator[HangingServer]:
    """Run a server that never responds."""
    server = HangingServer()
    try:
        yield server
    finally:
        server.close()


def refusing_client() -> Redis:
    """Return a client of a closed port."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    return client_at(port)
