"""The backlog of deliveries, per database, for ``/metrics``: one query each, when the metrics are read.

Deliveries to a disabled or paused endpoint do not count: no process could send them sooner.
"""

from __future__ import annotations

import math
from typing import Final

import structlog
from django.db import DatabaseError, connections

from actions.lag import gauge
from tenants.current_tenant import across_tenants
from webhooks.models import WebhookDelivery, WebhookEndpoint

#: Upper limit of the count, so that a scrape stays fast however much is pending.
COUNTED: Final = 100_000
_LAG: Final = f"""
WITH due AS (SELECT d.next_attempt_at
               FROM {WebhookDelivery._meta.db_table} d
               JOIN {WebhookEndpoint._meta.db_table} e ON e.id = d.endpoint_id
              WHERE d.state = 'pending' AND d.next_attempt_at <= statement_timestamp() AND e.disabled_at IS NULL
                AND (e.paused_until IS NULL OR e.paused_until <= statement_timestamp())
              LIMIT {COUNTED})
SELECT (SELECT count(*) FROM due),
       COALESCE(extract(epoch FROM statement_timestamp() - (SELECT min(next_attempt_at) FROM due)), 0)::float,
       (SELECT count(*) FROM {WebhookEndpoint._meta.db_table} WHERE disabled_reason IN ('gone', 'failing'))
"""  # noqa: S608 - names of our own tables

log = structlog.get_logger(__name__)
due = gauge("partner_engine_webhooks_due", "Webhook deliveries that could be sent now")
oldest_due = gauge("partner_engine_webhooks_oldest_due_seconds", "Since when the oldest webhook delivery could be sent")
given_up = gauge("partner_engine_webhook_endpoints_given_up", "Webhook endpoints that were switched off")


def webhook_lag_of(alias: str) -> tuple[int, float, int]:
    """Return how many deliveries of the database ``alias`` are due, since how many seconds the oldest is, and how many
    endpoints were switched off. Raises ``DatabaseError``.
    """
    with across_tenants(using=alias), connections[alias].cursor() as cursor:
        cursor.execute(_LAG)
        found: tuple[int, float, int] = cursor.fetchone()
    return found


def note_webhook_lag() -> None:
    """Update the gauges; a database that does not respond shows NaN."""
    for alias in connections:
        values: tuple[float, float, float]
        try:
            values = webhook_lag_of(alias)
        except DatabaseError as error:
            log.warning("webhook_lag_unknown", database=alias, reason=type(error).__name__)
            values = (math.nan, math.nan, math.nan)
        for figure, value in zip((due, oldest_due, given_up), values, strict=True):
            figure.labels(alias).set(value)
