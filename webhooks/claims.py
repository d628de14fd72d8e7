"""Leases due deliveries. Safe for any number of processes at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connections, transaction

from tenants.current_tenant import across_tenants
from webhooks.models import DeliveryState, WebhookDelivery, WebhookEndpoint
from webhooks.retry_schedule import FAILURES_TO_PAUSE

#: Longer than a post can take, so that nothing is sent twice while it is in transit.
LEASE: Final = timedelta(seconds=30)
#: Posts to one endpoint at the same time; a paused endpoint gets a single one as a probe.
PER_ENDPOINT: Final = 2
#: Number of endpoints that one claim reads.
_ENDPOINTS: Final = 64

_DUE: Final = f"""d.endpoint_id = e.id AND d.state = '{DeliveryState.PENDING}' AND d.next_attempt_at <= %(now)s
               AND (d.leased_until IS NULL OR d.leased_until <= %(now)s)"""
_ROOM: Final = f"""(CASE WHEN e.failures >= {FAILURES_TO_PAUSE} THEN 1 ELSE {PER_ENDPOINT} END
               - (SELECT count(*) FROM {WebhookDelivery._meta.db_table} l
                   WHERE l.endpoint_id = e.id AND l.state = '{DeliveryState.PENDING}'
                     AND l.leased_until > %(now)s))"""  # noqa: S608 - names of our own tables, here and below
_READY: Final = f"""
    SELECT e.id
      FROM {WebhookEndpoint._meta.db_table} e
     WHERE e.disabled_at IS NULL AND (e.paused_until IS NULL OR e.paused_until <= %(now)s)
       AND EXISTS (SELECT FROM {WebhookDelivery._meta.db_table} d WHERE {_DUE})
       AND {_ROOM} > 0
     ORDER BY (SELECT min(d.next_attempt_at) FROM {WebhookDelivery._meta.db_table} d WHERE {_DUE})
     LIMIT {_ENDPOINTS}
       FOR UPDATE OF e SKIP LOCKED"""  # noqa: S608
_LEASE: Final = f"""
    UPDATE {WebhookDelivery._meta.db_table} t
       SET leased_until = %(until)s, attempts = t.attempts + 1
      FROM (SELECT found.id
              FROM {WebhookEndpoint._meta.db_table} e
             CROSS JOIN LATERAL (SELECT d.id, d.next_attempt_at
                                   FROM {WebhookDelivery._meta.db_table} d
                                  WHERE {_DUE}
                                  ORDER BY d.next_attempt_at, d.id
                                  LIMIT greatest({_ROOM}, 0)) found
             WHERE e.id = ANY(%(endpoints)s)
             ORDER BY found.next_attempt_at, found.id
             LIMIT %(limit)s) chosen
     WHERE t.id = chosen.id
    RETURNING t.id"""  # noqa: S608


@dataclass(frozen=True, kw_only=True, slots=True)
class LeasedDelivery:
    """A delivery, with endpoint and payload, leased until ``leased_until``. ``attempt`` includes this one, made ``at``
    that time of the database ``using``.
    """

    delivery: WebhookDelivery
    attempt: int
    at: datetime
    using: str


def claim(using: str, *, now: datetime, limit: int) -> list[LeasedDelivery]:
    """Lease up to ``limit`` due deliveries in the database ``using``; per endpoint, the longest due come first."""
    with across_tenants(using=using), transaction.atomic(using=using):
        # Two statements: the process that locked an endpoint's row sees all other leases of it in the second one.
        endpoints = _ids(using, _READY, {"now": now})
        if not endpoints:
            return []
        ids = _ids(using, _LEASE, {"now": now, "until": now + LEASE, "endpoints": endpoints, "limit": limit})
        rows = WebhookDelivery.objects.filter(id__in=ids).select_related("endpoint", "payload")
        found = [LeasedDelivery(delivery=row, attempt=row.attempts, at=now, using=using) for row in rows]
    return sorted(found, key=lambda leased: (leased.delivery.next_attempt_at, leased.delivery.id))


def database_time(using: str) -> datetime:
    """Return the time of the database ``using``: one clock for all processes."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def _ids(using: str, statement: str, parameters: dict[str, Any]) -> list[UUID]:
    with connections[using].cursor() as cursor:
        cursor.execute(statement, parameters)
        return [row[0] for row in cursor.fetchall()]
