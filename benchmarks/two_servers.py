"""Tenants' own databases on two PostgreSQL servers: that of the measurements and a second one, which may be killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote, urlsplit

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections

from house.checks import TEST_PREFIX
from house.leftovers import Leftovers
from house.place import RUN, locked
from house.servers import Instance
from house.supervisor import Child, Supervisor
from partner_engine.environment import TENANT_DATABASE_PREFIX, databases

_PATIENCE: Final = 20.0


class _Keeper(Supervisor):
    """A supervisor that handles no signals and remembers the process that it started last."""

    last: Child

    def start(self, *arguments: Any, **named: Any) -> Child:
        """Start a process and remember it."""
        self.last = super().start(*arguments, **named)
        return self.last


class SecondServer:
    """A PostgreSQL server of its own, at one port and with its data over restarts; made by ``second_server``."""

    def __init__(self, instance: Instance) -> None:
        """Prepare the server; ``start`` starts it."""
        self._instance = instance
        self._keeper = _Keeper(record=Leftovers(instance.folder / "processes.json"))
        self.url = ""

    def start(self) -> None:
        """Start the server, with the data that it has, and wait until it accepts connections."""
        self.url = self._instance.start(self._keeper, database=True, redis=False)["DATABASE_URL"]

    def kill(self) -> None:
        """Stop the server at once, as a crash would: the next start recovers from the log."""
        self._keeper.last.process.send_signal(signal.SIGQUIT)
        self._keeper.last.process.wait(_PATIENCE)
        self._keeper.forget(self._keeper.last)

    def stop(self) -> None:
        """Stop the server, if it runs."""
        self._keeper.stop_all()


@contextmanager
def second_server() -> Iterator[SecondServer]:
    """Run a second server for the block, as durable as the first, and delete its data afterwards."""
    name = f"{TEST_PREFIX}second-{os.getpid()}"
    with locked(RUN / f"{name}.lock", wait=True):
        instance = Instance(name, is_durable=True)
        server = SecondServer(instance)
        try:
            server.start()
            yield server
        finally:
            server.stop()
            instance.delete()
            (RUN / f"{name}.lock").unlink(missing_ok=True)


@contextmanager
def own_databases(servers: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Create and migrate a database for each alias on its server, given as a URL, and drop it after the block; yield
    the variables that name them to the programs of the product.
    """
    named = {alias: _url_of(url, f"own_{alias}_{os.getpid()}") for alias, url in servers.items()}
    environment = {f"{TENANT_DATABASE_PREFIX}{alias.upper()}": url for alias, url in named.items()}
    try:
        for alias, url in named.items():
            _execute(servers[alias], f"CREATE DATABASE {urlsplit(url).path[1:]}")
        known = databases(first_server(), environment, limits=settings.LIMITS)
        connections.settings.update({**connections.configure_settings(known), **connections.settings})
        call_command("migrate_tenants", verbosity=0)
        yield environment
    finally:
        for alias, url in named.items():
            if alias in connections.settings:
                connections[alias].close()
                del connections[alias]
                del connections.settings[alias]
            _execute(servers[alias], f"DROP DATABASE IF EXISTS {urlsplit(url).path[1:]} WITH (FORCE)")


def first_server() -> str:
    """Return the URL of the shared database."""
    known = connection.settings_dict
    address = f"{known['USER']}:{quote(known['PASSWORD'], safe='')}@{known['HOST']}:{known['PORT']}"
    return f"postgres://{address}/{known['NAME']}"


def _url_of(server: str, name: str) -> str:
    return urlsplit(server)._replace(path=f"/{name}").geturl()


def _execute(server: str, statement: str) -> None:
    url = server.replace("postgres://", "postgresql://", 1)
    with psycopg.connect(url, autocommit=True) as direct:
        direct.execute(statement)
