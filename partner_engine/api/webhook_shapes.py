"""Request and response shapes of webhooks, as structs. Only the two responses that create a secret contain it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from partner_engine.api.http.input import Body, Query
from webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from webhooks.signatures import message_id

Url = Annotated[str, Meta(min_length=1, max_length=2_000)]
EventTypes = Annotated[list[Annotated[str, Meta(min_length=1, max_length=64)]], Meta(min_length=1, max_length=50)]
Description = Annotated[str, Meta(max_length=200)]


class NewEndpoint(Body, frozen=True, kw_only=True):
    """A new webhook endpoint. ``event_types`` lists types, families (``quote_request.*``) or ``*`` for all.
    With ``has_test_forms`` false it receives no events of test forms.
    """

    url: Url
    event_types: EventTypes
    description: Description = ""
    has_test_forms: bool = True


class EndpointChange(Body, frozen=True, kw_only=True):
    """A change of a webhook endpoint. ``disabled`` false switches it on again."""

    url: Url | UnsetType = UNSET
    event_types: EventTypes | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    has_test_forms: bool | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET


class ReplayInput(Body, frozen=True, kw_only=True):
    """The events to send again: one (``event_id`` is ``webhook-id`` without ``msg_``), or all from ``since`` to before
    ``until``.
    """

    event_id: UUID | None = None
    since: Annotated[datetime, Meta(tz=True)] | None = None
    until: Annotated[datetime, Meta(tz=True)] | None = None


class DeliveriesQuery(Query, frozen=True, kw_only=True):
    """A page of an endpoint's deliveries, latest first."""

    state: Literal["pending", "delivered", "failed"] | None = None
    cursor: Annotated[str, Meta(max_length=200)] = ""
    limit: Annotated[int, Meta(ge=1, le=100)] = 25


class EndpointShape(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook endpoint. ``failures`` counts failed attempts since the last success; ``has_test_forms`` states whether
    it receives events of test forms.
    """

    id: UUID
    url: str
    description: str
    event_types: list[str]
    has_test_forms: bool
    created_at: datetime
    created_by: str
    disabled_at: datetime | None
    disabled_reason: Literal["", "by_hand", "gone", "failing"]
    failures: int
    failing_since: datetime | None
    paused_until: datetime | None
    previous_secret_until: datetime | None


class AddedEndpoint(EndpointShape, frozen=True, kw_only=True):
    """A new webhook endpoint with its ``secret``, which no later response contains."""

    secret: str


class RotatedSecret(msgspec.Struct, frozen=True, kw_only=True):
    """The new ``secret``, which no later response contains; the old one signs too until ``previous_secret_until``."""

    secret: str
    previous_secret_until: datetime


class EndpointList(msgspec.Struct, frozen=True, kw_only=True):
    """All webhook endpoints of the tenant, oldest first."""

    results: list[EndpointShape]


class AttemptShape(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt: the ``status`` of the response, or the ``error`` without one. ``duration`` is in milliseconds."""

    number: int
    at: datetime
    status: int | None
    error: str
    duration: int
    excerpt: str


class DeliveryShape(msgspec.Struct, frozen=True, kw_only=True):
    """The delivery of one event to one endpoint, with its latest attempts."""

    id: UUID
    event_id: UUID
    webhook_id: str
    event_type: str
    copy_id: UUID | None
    version: int | None
    state: Literal["pending", "delivered", "failed"]
    next_attempt_at: datetime | None
    created_at: datetime
    finished_at: datetime | None
    attempts: list[AttemptShape]


class DeliveryPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of deliveries; ``next`` is the URL of the next page."""

    results: list[DeliveryShape]
    next: str | None


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """The number of deliveries that are sent again."""

    replayed: int


class EventSchema(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON Schema (2020-12) of every event; its other members are those of the standard."""

    title: str


def endpoint_fields(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """Return the fields of ``endpoint`` that are shown, which never include a secret."""
    return {name: getattr(endpoint, name) for name in EndpointShape.__struct_fields__}


def delivery(row: WebhookDelivery, attempts: Iterable[WebhookAttempt]) -> DeliveryShape:
    """Return the shape of a delivery. ``attempts`` come latest first and are returned in order of time."""
    return DeliveryShape(
        id=row.id,
        event_id=row.payload_id,
        webhook_id=message_id(row.payload_id),
        event_type=row.payload.event_type,
        copy_id=row.payload.copy_id,
        version=row.payload.version,
        state=row.state,  # type: ignore[arg-type]
        next_attempt_at=row.next_attempt_at,
        created_at=row.created_at,
        finished_at=row.finished_at,
        attempts=[
            AttemptShape(
                number=attempt.number,
                at=attempt.created_at,
                status=attempt.status,
                error=attempt.error,
                duration=attempt.duration,
                excerpt=attempt.excerpt,
            )
            for attempt in reversed(list(attempts))
        ],
    )
