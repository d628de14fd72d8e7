"""Further connections to the default database: the same server behind a proxy, under a separate alias."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, connections

from benchmarks.proxy import Proxy
from tenants.models import Tenant


@contextmanager
def through_proxy(alias: str, *, delay: float = 0) -> Iterator[Proxy]:
    """Connect to the default database as ``alias`` too, through a proxy that adds ``delay`` seconds to a round
    trip. Its tenants are of the default database afterwards: other programs do not know the alias, and would try what
    their saves left again and again.
    """
    settings = connection.settings_dict
    with Proxy(settings["HOST"], int(settings["PORT"]), delay=delay) as proxy:
        # Encryption would hide the protocol from the proxy.
        options = {**settings["OPTIONS"], "sslmode": "disable"}
        connections.settings[alias] = {**settings, "HOST": "127.0.0.1", "PORT": str(proxy.port), "OPTIONS": options}
        try:
            yield proxy
        finally:
            Tenant.objects.filter(database=alias).update(database="")
            connections[alias].close()
            del connections[alias]
            del connections.settings[alias]
