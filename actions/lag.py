"""How far the relay is behind, per database, for ``/metrics``: asked when it is scraped, in one query each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import structlog
from django.db import DatabaseError, connections
from prometheus_client import REGISTRY as METRICS
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from actions.models import OutboxAction
from actions.registry import REGISTRY, Registry
from tenants.scoping import across_tenants

#: Counted no further than this: a scrape stays quick however long the outbox is.
COUNTED: Final = 100_000
_TABLE: Final = OutboxAction._meta.db_table
_LAG: Final = f"""
WITH known AS (SELECT * FROM unnest(%(kinds)s::text[], %(newest)s::int[]) AS k (kind, newest)),
waiting AS (SELECT o.kind, o.payload_version FROM {_TABLE} o WHERE o.state = 'waiting' LIMIT {COUNTED})
SELECT (SELECT count(*) FROM waiting),
       (SELECT count(*) FROM (SELECT FROM {_TABLE} WHERE state = 'dead' LIMIT {COUNTED}) dead),
       (SELECT count(*) FROM waiting w
         WHERE NOT EXISTS (SELECT FROM known k WHERE k.kind = w.kind AND w.payload_version <= k.newest)),
       COALESCE(GREATEST(0, extract(epoch FROM statement_timestamp() - (
           SELECT min(next_attempt_at) FROM {_TABLE} WHERE state = 'waiting'))), 0)::float"""  # noqa: S608

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Lag:
    """One outbox: how many actions wait, are dead letters, wait for an upgrade (they count as waiting too), and since
    how many seconds the oldest is due.
    """

    waiting: int
    dead: int
    parked: int
    oldest_due: float


def lag_of(alias: str, *, registry: Registry = REGISTRY) -> Lag:
    """Return how far the relay is behind in the database ``alias``. Raises ``DatabaseError``."""
    known = {
        "kinds": [entry.kind.kind for entry in registry],
        "newest": [entry.kind.payload_version for entry in registry],
    }
    with across_tenants(using=alias), connections[alias].cursor() as cursor:
        cursor.execute(_LAG, known)
        return Lag(*cursor.fetchone())


class LagCollector(Collector):
    """Tells Prometheus the lag of every database; one that does not answer has no figures."""

    def describe(self) -> list[GaugeMetricFamily]:
        """Return the metrics without figures, so that registering asks no database."""
        return _families()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the metrics of all databases."""
        families = _families()
        for alias in connections:
            try:
                lag = lag_of(alias)
            except DatabaseError as error:
                log.warning("lag_unknown", database=alias, reason=type(error).__name__)
                continue
            for family, figure in zip(families, (lag.waiting, lag.dead, lag.parked, lag.oldest_due), strict=True):
                family.add_metric([alias], figure)
        yield from families


def _families() -> list[GaugeMetricFamily]:
    texts = {
        "waiting": "Deferred actions that wait",
        "dead": "Deferred actions that were given up",
        "parked": "Deferred actions that wait for a worker of a newer version",
        "oldest_due_seconds": "Since when the oldest waiting deferred action is due",
    }
    return [
        GaugeMetricFamily(f"partner_engine_outbox_{name}", text, labels=["database"]) for name, text in texts.items()
    ]


def register_metrics() -> None:
    """Let ``/metrics`` tell the lag."""
    METRICS.register(LagCollector())
