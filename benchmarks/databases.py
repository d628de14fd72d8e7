"""Further connections to the default database: the same server behind a proxy, under a separate alias."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, connections

from benchmarks.proxy import Proxy


@contextmanager
def through_proxy(alias: str, *, delay: float = 0) -> Iterator[Proxy]:
    """Connect to the default database as ``alias`` too, through a proxy that adds ``delay`` seconds to a round
    trip.
    """
    settings = connection.settings_dict
    with Proxy(settings["HOST"], int(settings["PORT"]), delay=delay) as proxy:
        # Encryption would hide the protocol from the proxy.
        options = {**settings["OPTIONS"], "sslmode": "disable"}
        connections.settings[alias] = {**settings, "HOST": "127.0.0.1", "PORT": str(proxy.port), "OPTIONS": options}
        try:
            yield proxy
        finally:
            connections[alias].close()
            del connections[alias]
            del connections.settings[alias]
