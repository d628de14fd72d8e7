"""``/events``: the feed of all events of the tenant, for programs that ask instead of being called."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final

import msgspec
from django.http import HttpResponse
from msgspec import Meta
from rest_framework.request import Request

from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.input import Query
from partner_engine.api.http.pagination import decode_position, encode_number, next_page
from partner_engine.api.http.schema import documented
from partner_engine.problems import Fault, Refused
from rules.nearest import nearest
from tenants.access import Right
from webhooks.event_types import ALL, event_names, is_event_pattern, wants
from webhooks.feed import list_events
from webhooks.models import WebhookPayload
from webhooks.signatures import message_id


class EventFeedQuery(Query, frozen=True, kw_only=True):
    """The events ``after`` a cursor of this feed, by default from the oldest stored one; of some ``types`` (names or
    families such as ``quote_request.*``, separated by commas), by default of all. ``test`` false leaves out the events
    of test forms, true all others.
    """

    after: Annotated[str, Meta(max_length=200)] = ""
    types: Annotated[str, Meta(max_length=1_000)] = ""
    test: bool | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 25


class FeedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event: ``id`` is the ``webhook-id`` of its deliveries, and ``data`` as they contain it."""

    id: str
    type: str
    timestamp: datetime
    correlation_id: str
    data: dict[str, Any]


class EventFeed(msgspec.Struct, frozen=True, kw_only=True):
    """Events in their order. ``cursor`` is the ``after`` of the next request, also when there is no event; ``next`` is
    its URL while further events are there.
    """

    results: list[FeedEvent]
    next: str | None
    cursor: str


class Events(Endpoint):
    """The feed of the tenant's events."""

    rights: ClassVar = {"GET": Right.MANAGE_WEBHOOKS}

    @documented(
        "List all events",
        "The events of all forms of the tenant, the oldest first, with and without webhook endpoints. Store `cursor` "
        "and send it as `after`: no event is left out, and none comes twice. Events are stored for 30 days. Their "
        "`data` is that of webhooks: values of sensitive and personal answers are never in it.",
        query=EventFeedQuery,
        responses={200: EventFeed},
    )
    def get(self, request: Request, *, query: EventFeedQuery) -> HttpResponse:
        after = decode_position(query.after) if query.after else 0
        loaded = list(list_events(after=after, types=_types(query.types), is_test=query.test)[: query.limit + 1])
        shown = loaded[: query.limit]
        cursor = encode_number(shown[-1].position or after) if shown else query.after
        more = cursor if len(loaded) > query.limit else ""
        shape = EventFeed(results=[_shape(row) for row in shown], next=next_page(request, more, "after"), cursor=cursor)
        return self.respond(shape)


_SHOWN: Final = 80


def _types(text: str) -> list[str]:
    """Return the names of the types in ``text``, none for all. Raises ``Refused`` (400) for unknown ones."""
    patterns = [part.strip() for part in text.split(",") if part.strip()]
    names = event_names()
    known = [ALL, *dict.fromkeys(f"{name.partition('.')[0]}.{ALL}" for name in names), *names]
    faults = [
        Fault(
            path="types",
            code="unknown_event_type",
            detail=f"There is no event type {pattern[:_SHOWN]!r}.",
            did_you_mean=nearest(pattern, known) or msgspec.UNSET,
            allowed=known,
        )
        for pattern in patterns
        if not is_event_pattern(pattern)
    ]
    if faults:
        raise Refused(400, "invalid_query", faults[0].detail, faults=faults)
    return [name for name in names if patterns and wants(patterns, name)]


def _shape(row: WebhookPayload) -> FeedEvent:
    body = msgspec.json.decode(row.body)
    return FeedEvent(
        id=message_id(row.id),
        type=row.event_type,
        timestamp=body["timestamp"],
        correlation_id=row.correlation_id,
        data=body["data"],
    )
