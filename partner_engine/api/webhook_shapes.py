"""What the API takes and answers about webhooks, as structs. A secret stands in two answers alone: where it is made."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from partner_engine.api.bodies import Body, Query
from webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from webhooks.signatures import message_id

Url = Annotated[str, Meta(min_length=1, max_length=2_000)]
EventTypes = Annotated[list[Annotated[str, Meta(min_length=1, max_length=64)]], Meta(min_length=1, max_length=50)]
Description = Annotated[str, Meta(max_length=200)]


class NewEndpoint(Body, frozen=True, kw_only=True):
    """A new webhook endpoint. ``event_types`` are types, families (``quote_request.*``) or ``*`` for all."""

    url: Url
    event_types: EventTypes
    description: Description = ""


class EndpointChange(Body, frozen=True, kw_only=True):
    """What of an endpoint is changed. ``disabled`` false switches it on again."""

    url: Url | UnsetType = UNSET
    event_types: EventTypes | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET


class ReplayInput(Body, frozen=True, kw_only=True):
    """What is sent once more: one event (``event_id`` is ``webhook-id`` less ``msg_``), or all from ``since`` to before
    ``until``.
    """

    event_id: UUID | None = None
    since: Annotated[datetime, Meta(tz=True)] | None = None
    until: Annotated[datetime, Meta(tz=True)] | None = None


class DeliveriesQuery(Query, frozen=True, kw_only=True):
    """A page of an endpoint's deliveries, the latest first."""

    state: Literal["pending", "delivered", "failed"] | None = None
    cursor: Annotated[str, Meta(max_length=200)] = ""
    limit: Annotated[int, Meta(ge=1, le=100)] = 25


class EndpointShape(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook endpoint. ``failures`` counts failed attempts since the last success."""

    id: UUID
    url: str
    description: str
    event_types: list[str]
    created_at: datetime
    created_by: str
    disabled_at: datetime | None
    disabled_reason: Literal["", "by_hand", "gone", "failing"]
    failures: int
    failing_since: datetime | None
    paused_until: datetime | None
    previous_secret_until: datetime | None


class AddedEndpoint(EndpointShape, frozen=True, kw_only=True):
    """A new webhook endpoint with its ``secret``, which is told here and never again."""

    secret: str


class RotatedSecret(msgspec.Struct, frozen=True, kw_only=True):
    """The new ``secret``, told here and never again; the one before signs too until ``previous_secret_until``."""

    secret: str
    previous_secret_until: datetime


class EndpointList(msgspec.Struct, frozen=True, kw_only=True):
    """All webhook endpoints of the tenant, the oldest first."""

    results: list[EndpointShape]


class AttemptShape(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt: the ``status`` that came back, or the ``error`` that kept one away. ``duration`` in milliseconds."""

    number: int
    at: datetime
    status: int | None
    error: str
    duration: int
    excerpt: str


class DeliveryShape(msgspec.Struct, frozen=True, kw_only=True):
    """One event for one endpoint, with its latest attempts."""

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
    """One page of deliveries; ``next`` is the address of the next one."""

    results: list[DeliveryShape]
    next: str | None


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """How many deliveries are sent once more."""

    replayed: int


class EventSchema(msgspec.Struct, frozen=True, kw_only=True):
    """A JSON Schema (2020-12) of every event; its other members are those of the standard."""

    title: str


def endpoint_fields(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """Return what of ``endpoint`` is shown: never a secret."""
    return {name: getattr(endpoint, name) for name in EndpointShape.__struct_fields__}


def delivery(found: WebhookDelivery, attempts: Iterable[WebhookAttempt]) -> DeliveryShape:
    """Return a delivery (with its payload) and its ``attempts``, given the latest first, in the order of time."""
    return DeliveryShape(
        id=found.id,
        event_id=found.payload_id,
        webhook_id=message_id(found.payload_id),
        event_type=found.payload.event_type,
        copy_id=found.payload.copy_id,
        version=found.payload.version,
        state=found.state,  # type: ignore[arg-type]
        next_attempt_at=found.next_attempt_at,
        created_at=found.created_at,
        finished_at=found.finished_at,
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
