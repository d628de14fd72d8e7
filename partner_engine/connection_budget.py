"""The connections that all processes of this installation may open to each PostgreSQL server, against its limit.

A server that runs out of connections refuses those of saves, so the sum is checked when a process starts, by
``manage.py check --database`` and in ``/readyz`` (docs/running.md).
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from django.conf import settings
from django.core.checks import CheckMessage, Warning, register
from django.db import DatabaseError, connections

from actions.sweeps import SWEEPS
from partner_engine.environment import Processes

#: A web process without a pool opens a connection for each concurrent request; so many are counted.
UNPOOLED: Final = 20
#: For migrations, commands and people with psql.
SPARE: Final = 5
#: Seconds for which a result is remembered.
REMEMBERED: Final = 300.0
OVERDRAWN_HINT: Final = (
    "Raise max_connections of the server, lower DATABASE_POOL_SIZE, put a pooler in between (DATABASE_POOLER=1), or"
    " correct WEB_PROCESSES, RELAY_PROCESSES and WORKER_PROCESSES."
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Need:
    """The most connections that this installation may open to one server for its databases ``aliases``."""

    server: str
    aliases: tuple[str, ...]
    connections: int
    per_database: str

    def sentence(self, limit: int) -> str:
        """Return what is wrong with a server that allows ``limit`` connections, "" if they suffice."""
        if self.connections <= limit:
            return ""
        return (
            f"The PostgreSQL server {self.server} allows {limit} connections, but this installation may open"
            f" {self.connections}: {self.per_database} for each of {len(self.aliases)} databases"
            f" ({', '.join(self.aliases)}), and {SPARE} to spare."
        )


def needs(databases: Mapping[str, Mapping[str, Any]], *, processes: Processes, sweeps: int) -> list[Need]:
    """Return the connections that are needed on each server; ``sweeps`` are the threads of a relay per database."""
    per_web = processes.web_pool or UNPOOLED
    # A relay's thread of leases has a connection of its own, and so does the one that renews a worker's lease.
    per_relay, per_worker = sweeps + 1, 2
    each = processes.web * per_web + processes.relay * per_relay + processes.worker * per_worker
    text = (
        f"{processes.web} web x {per_web} + {processes.relay} relay x {per_relay} + {processes.worker} worker x"
        f" {per_worker} = {each}"
    )
    servers: dict[str, list[str]] = defaultdict(list)
    for alias, database in databases.items():
        servers[f"{database.get('HOST') or 'localhost'}:{database.get('PORT') or 5432}"].append(alias)
    return [
        Need(server=server, aliases=tuple(sorted(aliases)), connections=each * len(aliases) + SPARE, per_database=text)
        for server, aliases in sorted(servers.items())
    ]


def limit_of(alias: str) -> int:
    """Return the number of connections that the server of the database ``alias`` allows its role. Raises
    ``DatabaseError``.
    """
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
            " - current_setting('reserved_connections')::int,"
            " (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user),"
            " (SELECT datconnlimit FROM pg_database WHERE datname = current_database())"
        )
        server, *own = cursor.fetchone()
    return min([server, *(limit for limit in own if limit >= 0)])


def overdrawn() -> list[str]:
    """Return a sentence for each server that allows too few connections; those that do not respond are left out."""
    if settings.PROCESSES.is_pooled_outside:
        return []
    found = []
    sweeps = sum(sweep.threads + sweep.connections for sweep in SWEEPS)
    for need in needs(connections.settings, processes=settings.PROCESSES, sweeps=sweeps):
        try:
            found.append(need.sentence(min(limit_of(alias) for alias in need.aliases)))
        except DatabaseError as error:
            log.warning("connection_budget_unknown", server=need.server, reason=type(error).__name__)
    return [sentence for sentence in found if sentence]


@register("database")
def check_connection_budget(
    app_configs: object = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Return a warning for each server that allows fewer connections than this installation may open.

    In production servers do not start then (``partner_engine.E012``), but migrations run.
    """
    return [
        Warning(sentence, hint=OVERDRAWN_HINT, id="partner_engine.W012")
        for sentence in (overdrawn() if databases else [])
    ]


class _Memory:
    """The last result of ``overdrawn``, which costs a query per database."""

    sentences: tuple[str, ...] = ()
    read_at = float("-inf")


def known_overdrafts() -> list[str]:
    """Return the sentences of ``overdrawn``, at most ``REMEMBERED`` seconds old."""
    if time.monotonic() - _Memory.read_at > REMEMBERED:
        _Memory.sentences, _Memory.read_at = tuple(overdrawn()), time.monotonic()
    return list(_Memory.sentences)


def log_connection_budget() -> threading.Thread:
    """Log a warning for each server that allows too few connections, in a thread: the caller may be an event loop."""
    thread = threading.Thread(target=_log, name="connection budget", daemon=True)
    thread.start()
    return thread


def _log() -> None:
    try:
        for sentence in known_overdrafts():
            log.warning("connection_budget_overdrawn", reason=sentence, check="partner_engine.W012")
    finally:
        connections.close_all()
