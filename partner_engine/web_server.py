"""The web process: uvicorn, which stops in steps that a proxy can follow.

uvicorn closes its port and its idle connections at once when it stops, just when a proxy may use one: a request that
was sent cannot safely be sent again. Here it first lets nobody new in and serves who came, then refuses connections, so
that the proxy passes its requests to another process, and closes idle ones when the proxy no longer uses them
(docs/deploying.md). Only a process with a port of its own can stop so: the next one would inherit a shared port.
"""

from __future__ import annotations

import asyncio
import ctypes
import socket
import struct
import sys
import time
from asyncio.trsock import TransportSocket
from contextlib import suppress
from importlib import import_module
from typing import Final

import uvicorn

#: How long idle connections stay open at a stop, in seconds: longer than `keepalive_timeout` of deploy/nginx.
IDLE_SECONDS: Final = 4.0
#: How long connections that were opened before the stop are accepted, in seconds.
ACCEPT_SECONDS: Final = 0.2
#: How often the loop goes round meanwhile: a single pause can be over before it has looked at the port.
_ACCEPT_ROUNDS: Final = 4
_LOOK_SECONDS: Final = 0.05
#: Linux: a filter for the packets that reach a socket, here one instruction that returns 0, "drop" (socket(7)).
_SO_ATTACH_FILTER: Final = 26
_DROP: Final = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0), 8)


class WebServer(uvicorn.Server):
    """Stops in three steps: nobody new, no port, no connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        if config.reload or config.workers > 1 or config.fd is not None:
            raise SystemExit(
                "The web process does not run with --reload, --workers (or WEB_CONCURRENCY) or --fd, which share its "
                "port: start one process per --port, or `python -m uvicorn` for development."
            )
        super().__init__(config)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let the proxy give its connections up, then stop as uvicorn does."""
        if sockets is None:
            for server in self.servers:
                for listening in server.sockets:
                    let_nobody_in(listening)
        for _ in range(_ACCEPT_ROUNDS):
            await asyncio.sleep(ACCEPT_SECONDS / _ACCEPT_ROUNDS)
        for server in self.servers:
            server.close()
        self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        deadline = time.monotonic() + IDLE_SECONDS
        while self._serves_requests() and time.monotonic() < deadline and not self.force_exit:
            await asyncio.sleep(_LOOK_SECONDS)
        await super().shutdown(sockets)

    def _serves_requests(self) -> bool:
        """Return whether connections for requests are open. WebSockets are none; they are closed after these: a page
        that connects again earlier could get an idle connection of the proxy to this process.
        """
        return any(isinstance(one, self.config.http_protocol_class) for one in self.server_state.connections)


def let_nobody_in(listening: socket.socket | TransportSocket) -> None:
    """Leave attempts to connect without a response: their next try, a second later, finds the port closed.

    Closing it at once would reset the connections that wait to be accepted, with the requests on them. A system that
    refuses the filter leaves this risk.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            program = struct.pack("HP", 1, ctypes.addressof(_DROP))
            listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def main() -> None:
    """Run uvicorn's command with this server."""
    # The name `uvicorn.main` is the command; its module makes the server.
    import_module("uvicorn.main").Server = WebServer  # type: ignore[attr-defined]
    sys.exit(uvicorn.main())


if __name__ == "__main__":
    main()
