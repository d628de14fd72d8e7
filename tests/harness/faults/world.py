"""The world of a fault test: one database with a tenant, its catalogue and forms, and the ways to work on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import psycopg

from tests.harness.faults import invariants
from tests.harness.faults.servers import Servers
from tests.harness.faults.trials import PATIENCE, ForkServer, Report, Trial


@dataclass
class World:
    """One database with a tenant, its catalogue and forms, and the ways to work on it."""

    servers: Servers
    forks: ForkServer
    database: str
    forms: list[str]
    #: Names of tenants' own databases by alias.
    tenant_databases: dict[str, str] = field(default_factory=dict)

    def fork(self, work: str, *, port: int | None = None, **arguments: Any) -> Trial:
        """Let a fork do ``work`` here, straight or by way of the proxy at ``port``."""
        return self.forks.fork(
            work,
            database=self.database,
            port=port or self.servers.ports[0],
            tenant_databases=self.tenant_databases,
            **arguments,
        )

    def do(self, work: str, *, silence: float = PATIENCE, **arguments: Any) -> list[Report]:
        """Let a fork do ``work`` to its end; return what it reported. Raises ``TimeoutError`` if it reports nothing for
        ``silence`` seconds.
        """
        trial = self.fork(work, **arguments)
        trial.finish(silence)
        return trial.reports

    def connect(self, alias: str = "default") -> psycopg.Connection[Any]:
        """Open a connection of the test's own to the shared database, or to a tenant's."""
        return self.servers.connect(self.tenant_databases.get(alias, self.database))

    def violations(self, acknowledged: list[Report], *, is_keyed: bool = True) -> list[str]:
        """Return what is broken here."""
        with self.connect() as connection:
            return invariants.violations(connection, acknowledged, is_keyed=is_keyed)
