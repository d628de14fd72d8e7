"""Connections that reach only addresses allowed by the guard: a name is resolved once, and the connection goes to the
checked address. The name stays in ``Host`` and in the TLS handshake.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from functools import cache
from typing import Any, Final, TypeAlias

import httpcore2

from webhooks.ssrf import Guard, RefusedAddress

#: Returns the addresses of a host at a port. Raises ``OSError``.
Resolver: TypeAlias = Callable[[str, int], Awaitable[list[str]]]

MOST_CONNECTIONS: Final = 100
#: Bytes read of one response, headers included.
MOST_READ: Final = 64 * 1024
_PIECE: Final = 8 * 1024


class BoundedStream(httpcore2.AsyncNetworkStream):
    """A connection that ends after ``MOST_READ`` bytes, whatever else would follow."""

    def __init__(self, below: httpcore2.AsyncNetworkStream) -> None:
        self._below = below
        self._left = MOST_READ

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the next bytes, b"" at the end."""
        if self._left <= 0:
            return b""
        found = await self._below.read(min(max_bytes, self._left, _PIECE), timeout)
        self._left -= len(found)
        return found

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write ``buffer``."""
        await self._below.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._below.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.AsyncNetworkStream:
        """Return the connection with TLS on it, with the same limit."""
        return BoundedStream(await self._below.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        """Return a property of the connection."""
        return self._below.get_extra_info(info)


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Opens connections for ``https`` or (``is_plain``) ``http`` addresses."""

    def __init__(
        self, guard: Guard, *, is_plain: bool, resolve: Resolver | None = None, is_bounded: bool = True
    ) -> None:
        """Take the ``guard``; ``resolve`` replaces the system's resolver.

        Unless ``is_bounded``, connections are reused and the caller bounds what it reads of each response.
        """
        self._guard = guard
        self._is_plain = is_plain
        self._is_bounded = is_bounded
        self._resolve = resolve or resolve_name
        self._below = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address of ``host``. Raises ``RefusedAddress`` if any of its addresses is refused: a
        name that resolves to both kinds is not trusted.
        """
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError("The name is not known.") from error
        if not addresses:
            raise httpcore2.ConnectError("The name has no address.")
        for address in addresses:
            self._guard.check_address(address, port, is_plain=self._is_plain)
        connected = await self._below.connect_tcp(
            addresses[0], port, timeout=timeout, local_address=local_address, socket_options=socket_options
        )
        return BoundedStream(connected) if self._is_bounded else connected

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Refuse: webhooks never use Unix sockets."""
        raise RefusedAddress("The address must not be a file.")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


def pool(guard: Guard, *, is_plain: bool, resolve: Resolver | None = None) -> httpcore2.AsyncConnectionPool:
    """Return a pool for ``https`` or (``is_plain``) ``http`` addresses; no connection is reused, each is checked."""
    return httpcore2.AsyncConnectionPool(
        ssl_context=None if is_plain else tls_context(),
        max_connections=MOST_CONNECTIONS,
        max_keepalive_connections=0,
        network_backend=GuardedBackend(guard, is_plain=is_plain, resolve=resolve),
    )


@cache
def tls_context() -> ssl.SSLContext:
    """Return the TLS context, made once, because reading all certificate authorities is slow."""
    return ssl.create_default_context()


async def resolve_name(host: str, port: int) -> list[str]:
    """Return the addresses of ``host`` from the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]
