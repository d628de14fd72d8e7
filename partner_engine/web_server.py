"""The web process: uvicorn, which stops in steps that a proxy can follow.

uvicorn closes its port and its idle connections at once when it stops, just when a proxy may use one: a request that
was sent cannot safely be sent again. Here it first lets nobody new in and serves who came, then refuses connections, so
that the proxy passes its requests to another process, and closes idle ones when the proxy no longer uses them
(docs/deploying.md).
"""

from __future__ import annotations

import asyncio
import ctypes
import socket
import struct
import sys
import time
from asyncio.trsock import TransportSocket
from importlib import import_module
from typing import Final

import uvicorn

#: How long idle connections stay open at a stop, in seconds: longer than `keepalive_timeout` of deploy/nginx.
IDLE_SECONDS: Final = 4.0
#: How often the loop goes round to take connections that were opened before the stop: a single pause can be over before
#: it has looked at the port.
_QUEUE_ROUNDS: Final = 4
_LOOK_SECONDS: Final = 0.05
#: Linux: a filter for the packets that reach a socket, here one instruction that returns 0, "drop" (socket(7)).
_SO_ATTACH_FILTER: Final = 26
_DROP: Final = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0), 8)


class WebServer(uvicorn.Server):
    """Stops in three steps: nobody new, no port, no connections."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let the proxy give its connections up, then stop as uvicorn does."""
        for server in self.servers:
            for listening in server.sockets:
                let_nobody_in(listening)
        for _ in range(_QUEUE_ROUNDS):
            await asyncio.sleep(_LOOK_SECONDS)
        for server in self.servers:
            server.close()
        state, deadline = self.server_state, time.monotonic() + IDLE_SECONDS
        state.default_headers = [*state.default_headers, (b"connection", b"close")]
        while state.connections and time.monotonic() < deadline and not self.force_exit:
            await asyncio.sleep(_LOOK_SECONDS)
        await super().shutdown(sockets)


def let_nobody_in(listening: socket.socket | TransportSocket) -> None:
    """Leave attempts to connect without a response: their next try, a second later, finds the port closed.

    Closing it at once would reset the connections that wait to be accepted, with the requests on them.
    """
    if sys.platform == "linux":
        listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(_DROP)))


def main() -> None:
    """Run uvicorn's command with this server."""
    # The name `uvicorn.main` is the command; its module makes the server.
    import_module("uvicorn.main").Server = WebServer  # type: ignore[attr-defined]
    sys.exit(uvicorn.main())


if __name__ == "__main__":
    main()
