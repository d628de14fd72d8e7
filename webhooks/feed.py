"""The feed of a tenant's events: each has a position, and a reader that goes on after a position misses none."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import msgspec
from django.db import connections
from django.db.models import QuerySet
from uuid_utils.compat import uuid7

from tenants.models import Tenant
from tenants.postgresql.kept_plans import KeptPlan
from webhooks.models import DeliveryState, WebhookDelivery, WebhookEndpoint, WebhookPayload

_PAYLOADS: Final = WebhookPayload._meta.db_table
_DELIVERIES: Final = WebhookDelivery._meta.db_table

#: Events get their positions one after the other: the transaction holds back those of others until it ends. Without
#: that an event could become visible after a later one, and a reader would have passed it by.
_QUEUE: Final = "PERFORM pg_advisory_xact_lock(hashtextextended('webhooks.feed:' || %(tenant)s, 0))"
#: Positions in microseconds, so that they grow after retention has deleted all events and in another database too.
#: Another run may have stored an event before: then its deliveries are there as well.
STORE: Final = KeptPlan(
    "webhooks_store",
    f"""WITH stored AS (
    INSERT INTO {_PAYLOADS}
           (id, tenant_id, event_type, copy_id, version, is_test, body, correlation_id, created_at, position)
    SELECT g.id, %(tenant)s, g.event_type, g.copy_id, g.version, g.is_test, g.body, g.correlation_id, g.created_at,
           next.position + row_number() OVER (ORDER BY g.place) - 1
      FROM json_to_recordset(%(payloads)s) AS g
           (place integer, id uuid, event_type text, copy_id uuid, version integer, is_test boolean, body text,
            correlation_id text, created_at timestamptz)
     CROSS JOIN (
           SELECT GREATEST(
                  (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint,
                  COALESCE((SELECT max(p.position) FROM {_PAYLOADS} p WHERE p.tenant_id = %(tenant)s), 0) + 1
           ) AS position) AS next
     WHERE NOT EXISTS (SELECT FROM {_PAYLOADS} p WHERE p.tenant_id = %(tenant)s AND p.id = g.id)
    RETURNING id, created_at),
delivered AS (
    INSERT INTO {_DELIVERIES} (id, tenant_id, endpoint_id, payload_id, state, attempts, next_attempt_at, created_at)
    SELECT g.id, %(tenant)s, g.endpoint_id, stored.id, '{DeliveryState.PENDING}', 0, stored.created_at,
           stored.created_at
      FROM json_to_recordset(%(deliveries)s) AS g (id uuid, endpoint_id uuid, payload_id uuid)
      JOIN stored ON stored.id = g.payload_id)
SELECT id FROM stored""",  # noqa: S608 - names of our own tables, here and below
    {"tenant": "uuid", "payloads": "json", "deliveries": "json"},
    {"id": "uuid"},
    before=(_QUEUE,),
)
#: The endpoints that receive events.
ENDPOINTS: Final = KeptPlan(
    "webhooks_endpoints",
    f"""SELECT id, event_types::text[], has_test_forms FROM {WebhookEndpoint._meta.db_table}
     WHERE tenant_id = %(tenant)s AND disabled_at IS NULL ORDER BY created_at, id""",  # noqa: S608
    {"tenant": "uuid"},
    {"id": "uuid", "event_types": "text[]", "has_test_forms": "boolean"},
)


class ActiveEndpoint(NamedTuple):
    """What decides which events an endpoint receives."""

    id: UUID
    event_types: list[str]
    has_test_forms: bool


class NewEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event for the feed, as the columns of its payload."""

    id: UUID
    event_type: str
    copy_id: UUID | None
    version: int | None
    is_test: bool
    body: str
    correlation_id: str
    created_at: datetime


def active_endpoints(tenant: Tenant) -> list[ActiveEndpoint]:
    """Return the endpoints of ``tenant`` that are not disabled; in its scope."""
    with connections[tenant.database_alias].cursor() as cursor:
        cursor.execute(ENDPOINTS.call, {"tenant": tenant.id})
        return [ActiveEndpoint(*row) for row in cursor.fetchall()]


def store_events(events: Sequence[NewEvent], receivers: Iterable[tuple[NewEvent, UUID]], *, tenant: Tenant) -> None:
    """Store ``events`` in the feed in their order, each with a delivery for its ``receivers`` (ids of endpoints), in
    one transaction; those that are stored already are left as they are. In the tenant's scope.
    """
    payloads = [{"place": place, **msgspec.structs.asdict(event)} for place, event in enumerate(events)]
    deliveries = [
        {"id": uuid7(), "endpoint_id": endpoint_id, "payload_id": event.id} for event, endpoint_id in receivers
    ]
    with connections[tenant.database_alias].cursor() as cursor:
        cursor.execute(
            STORE.call,
            {"tenant": tenant.id, "payloads": _json(payloads), "deliveries": _json(deliveries)},
        )


def list_events(*, after: int, types: Collection[str] = (), is_test: bool | None = None) -> QuerySet[WebhookPayload]:
    """Return the events of the current tenant after a position, in their order; of some ``types`` if there are any, and
    with ``is_test`` either of test forms or of all others.
    """
    events = WebhookPayload.objects.filter(position__gt=after).order_by("position")
    if is_test is not None:
        events = events.filter(is_test=is_test)
    return events.filter(event_type__in=types) if types else events


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
