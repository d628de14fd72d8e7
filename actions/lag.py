"""The backlog of the relay, per database, for ``/metrics``: one query each, when the metrics are read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import structlog
from django.db import DatabaseError, connections
from prometheus_client import Gauge

from actions.models import OutboxAction
from actions.registry import REGISTRY, Registry
from tenants.current_tenant import across_tenants

#: Upper limit of the count, so that a scrape stays fast however long the outbox is.
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


def gauge(name: str, text: str) -> Gauge:
    """Return a gauge per database that is computed when it is read; with several processes the latest value counts."""
    return Gauge(name, text, ["database"], multiprocess_mode="mostrecent")


waiting = gauge("partner_engine_outbox_waiting", "Deferred actions that wait")
dead = gauge("partner_engine_outbox_dead", "Deferred actions that are not tried again")
parked = gauge("partner_engine_outbox_parked", "Deferred actions that wait for a newer worker")
oldest_due = gauge("partner_engine_outbox_oldest_due_seconds", "Since when the oldest waiting action is due")


@dataclass(frozen=True, slots=True)
class Lag:
    """The backlog of one outbox: waiting actions, dead letters, actions that wait for an upgrade (also counted as
    waiting), and the seconds since the oldest became due.
    """

    waiting: int
    dead: int
    parked: int
    oldest_due: float


def lag_of(alias: str, *, registry: Registry = REGISTRY) -> Lag:
    """Return the backlog of the database ``alias``. Raises ``DatabaseError``."""
    known: dict[str, Any] = {
        "kinds": [entry.kind.kind for entry in registry],
        "newest": [entry.kind.payload_version for entry in registry],
    }
    with across_tenants(using=alias), connections[alias].cursor() as cursor:
        cursor.execute(_LAG, known)
        return Lag(*cursor.fetchone())


def note_lag() -> None:
    """Update the gauges; a database that does not respond shows NaN."""
    for alias in connections:
        try:
            lag = lag_of(alias)
        except DatabaseError as error:
            log.warning("lag_unknown", database=alias, reason=type(error).__name__)
            for gauge in (waiting, dead, parked, oldest_due):
                gauge.labels(alias).set(math.nan)
            continue
        waiting.labels(alias).set(lag.waiting)
        dead.labels(alias).set(lag.dead)
        parked.labels(alias).set(lag.parked)
        oldest_due.labels(alias).set(lag.oldest_due)
