"""The HTTP client of the background loop: only allowed addresses, verified TLS, no redirects, proxies or cookies."""

from __future__ import annotations

import asyncio
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final
from weakref import WeakKeyDictionary

import httpcore2
import httpx2
from django.conf import settings

from webhooks.network import GuardedBackend, Resolver, tls_context
from webhooks.ssrf import Guard, guard_of

MOST_CONNECTIONS: Final = 500
MOST_IDLE: Final = 50
#: Seconds for which an unused connection is kept.
IDLE_SECONDS: Final = 5.0
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx2.AsyncClient] = WeakKeyDictionary()


class GuardedTransport(httpx2.AsyncHTTPTransport):
    """Connects to ``https`` or (``is_plain``) ``http`` addresses that the guard allows, checked at the socket."""

    def __init__(self, guard: Guard, *, is_plain: bool, resolve: Resolver | None = None) -> None:
        """Take the ``guard``; ``resolve`` replaces the system's resolver."""
        # The base class offers no way to replace the network below its pool, so its pool is made here.
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=None if is_plain else tls_context(),
            max_connections=MOST_CONNECTIONS,
            max_keepalive_connections=MOST_IDLE,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=GuardedBackend(guard, is_plain=is_plain, resolve=resolve, is_bounded=False),
        )


def make_client(guard: Guard, *, resolve: Resolver | None = None) -> httpx2.AsyncClient:
    """Return a client behind the ``guard``."""
    return httpx2.AsyncClient(
        mounts={
            f"{scheme}://": GuardedTransport(guard, is_plain=scheme == "http", resolve=resolve)
            for scheme in ("http", "https")
        },
        trust_env=False,
        follow_redirects=False,
        # Accepts no cookie: one tenant's call must leave nothing behind for the next one.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        headers={"User-Agent": "PartnerEngine", "Accept": "application/json", "Accept-Encoding": "identity"},
    )


def http_client() -> httpx2.AsyncClient:
    """Return the client of the running loop."""
    loop = asyncio.get_running_loop()
    client = _clients.get(loop)
    if client is None:
        client = _clients[loop] = make_client(carrier_guard())
    return client


def carrier_guard() -> Guard:
    """Return the guard with the addresses of carriers that this installation allows."""
    return guard_of(settings.CARRIERS.allowed_networks, settings.CARRIERS.ports)
