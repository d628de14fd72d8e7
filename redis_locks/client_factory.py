"""Makes one client of Redis per address in a process.

Django makes its caches anew for each request, and django-redis a client for each cache, which takes as long as three
round trips. A client has no state of its own but its pool of connections, which all threads share already.
"""

from __future__ import annotations

from typing import Any, Final

import django_redis
from django.conf import settings
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


def get_redis_connection(alias: str) -> Redis:
    """Return the client of the cache ``alias``, as the function of django-redis with this name does, which makes the
    cache for it in each context. Here it is made for the first client of an address alone.
    """
    address = str(settings.CACHES[alias]["LOCATION"])
    client = _clients.get(address)
    if client is not None and client.connection_pool is ConnectionFactory._pools.get(address):
        return client
    made: Redis = django_redis.get_redis_connection(alias)
    return made
