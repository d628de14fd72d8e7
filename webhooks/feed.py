"""The feed of a tenant's events: each has a position, and a reader that goes on after a position misses none."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from django.db import connections
from django.db.models import QuerySet

from tenants.models import Tenant
from webhooks.models import WebhookPayload

_QUEUE: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
# Microseconds, so that positions grow after retention has deleted all events and in another database too.
_NEXT: Final = """
    SELECT GREATEST(
        (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint,
        COALESCE((SELECT MAX(position) FROM webhooks_webhookpayload WHERE tenant_id = %s), 0) + 1
    )
"""


def next_position(tenant: Tenant) -> int:
    """Return the position of the tenant's next event, from which several count up; the transaction holds back those of
    others until it ends.

    Without that an event could become visible after a later one, and a reader would have passed it by.
    """
    with connections[tenant.database_alias].cursor() as cursor:
        cursor.execute(_QUEUE, [f"webhooks.feed:{tenant.id}"])
        cursor.execute(_NEXT, [tenant.id])
        row = cursor.fetchone()
    return int(row[0])


def list_events(*, after: int, types: Collection[str] = (), is_test: bool | None = None) -> QuerySet[WebhookPayload]:
    """Return the events of the current tenant after a position, in their order; of some ``types`` if there are any, and
    with ``is_test`` either of test forms or of all others.
    """
    events = WebhookPayload.objects.filter(position__gt=after).order_by("position")
    if is_test is not None:
        events = events.filter(is_test=is_test)
    return events.filter(event_type__in=types) if types else events
