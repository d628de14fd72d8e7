"""Makes one client of Redis per address in a process.

Django makes its caches anew for each request, and django-redis a client for each cache, which takes as long as three
round trips. A client has no state of its own but its pool of connections, which all threads share already.
"""

from __future__ import annotations

from typing import Any, Final

from django_redis.pool import ConnectionFactory
from redis import Redis

_clients: Final[dict[str, Redis]] = {}


class ClientFactory(ConnectionFactory):  # type: ignore[misc]
    """Returns the client that this process has for an address. Set in ``DJANGO_REDIS_CONNECTION_FACTORY``."""

    def get_connection(self, params: dict[str, Any]) -> Redis:
        """Return the client for ``params``, with the present pool of their address."""
        pool = self.get_or_create_connection_pool(params)
        client = _clients.get(params["url"])
        if client is None or client.connection_pool is not pool:
            client = _clients[params["url"]] = super().get_connection(params)
        return client
