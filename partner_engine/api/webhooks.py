"""``/webhook_endpoints``: where a partner's system wants to be told of events, how that went, and once more."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

import msgspec
from django.http import HttpResponse
from msgspec import UNSET
from rest_framework.request import Request

from batch.idempotency import StoredResponse
from partner_engine.api import webhook_shapes as shapes
from partner_engine.api.bodies import NoQuery, Nothing
from partner_engine.api.http.endpoint import Endpoint, reply
from partner_engine.api.http.pagination import next_link, page
from partner_engine.api.http.schema import documented
from partner_engine.problems import Fault, Refused
from tenants.access import Right
from webhooks import endpoints
from webhooks.event_types import event_schema
from webhooks.selectors import access_endpoint, list_deliveries, list_endpoints

_RIGHT = Right.MANAGE_WEBHOOKS


class WebhookEndpoints(Endpoint):
    """The tenant's endpoints."""

    rights: ClassVar = {"GET": _RIGHT, "POST": _RIGHT}

    @documented(
        "List webhook endpoints",
        "All of the tenant's, the oldest first, with how they fare. Secrets are never told again.",
        query=NoQuery,
        answers={200: shapes.EndpointList},
    )
    def get(self, request: Request) -> HttpResponse:
        """List endpoints."""
        self.query()
        found = [shapes.EndpointShape(**shapes.endpoint_fields(endpoint)) for endpoint in list_endpoints()]
        return self.answer(shapes.EndpointList(results=found))

    @documented(
        "Add a webhook endpoint",
        "The answer holds the `secret` that signs what is sent; it is told here and never again. Because it is kept "
        "nowhere in the clear, an `Idempotency-Key` has no use here.",
        body=shapes.NewEndpoint,
        query=NoQuery,
        answers={201: shapes.AddedEndpoint},
        write=True,
        keyed=False,
    )
    def post(self, request: Request) -> HttpResponse:
        """Add an endpoint."""
        self.query()
        body = self.body(shapes.NewEndpoint)
        endpoint, secret = endpoints.add(
            body.url,
            tenant=self.tenant,
            actor=self.actor,
            event_types=body.event_types,
            description=body.description,
        )
        shape = shapes.AddedEndpoint(**shapes.endpoint_fields(endpoint), secret=secret)
        location = f"{request.path.rstrip('/')}/{endpoint.id}"
        return _answer(201, shape, {"Location": location})


class WebhookEndpoint(Endpoint):
    """One endpoint."""

    rights: ClassVar = {"GET": _RIGHT, "PATCH": _RIGHT, "DELETE": _RIGHT}

    @documented(
        "Read a webhook endpoint",
        "Where it is, what it is told of, how it fares.",
        query=NoQuery,
        answers={200: shapes.EndpointShape},
    )
    def get(self, request: Request, id: UUID) -> HttpResponse:
        """Read an endpoint."""
        self.query()
        return self.answer(shapes.EndpointShape(**shapes.endpoint_fields(access_endpoint(id))))

    @documented(
        "Change a webhook endpoint",
        "Changes what is given. `disabled` switches it off and on; switched on, what waited is sent.",
        body=shapes.EndpointChange,
        query=NoQuery,
        answers={200: shapes.EndpointShape},
        write=True,
        keyed=False,
    )
    def patch(self, request: Request, id: UUID) -> HttpResponse:
        """Change an endpoint."""
        self.query()
        body = self.body(shapes.EndpointChange)
        endpoint = access_endpoint(id)
        given = {
            name: value for name in ("url", "event_types", "description") if (value := getattr(body, name)) is not UNSET
        }
        if given:
            endpoints.change(endpoint, actor=self.actor, **given)
        if body.disabled is not UNSET:
            endpoints.switch(endpoint, on=not body.disabled, actor=self.actor)
        return self.answer(shapes.EndpointShape(**shapes.endpoint_fields(endpoint)))

    @documented(
        "Remove a webhook endpoint",
        "With its deliveries and their log. What is under way may still arrive.",
        body=Nothing,
        query=NoQuery,
        answers={204: None},
        write=True,
        keyed=False,
    )
    def delete(self, request: Request, id: UUID) -> HttpResponse:
        """Remove an endpoint."""
        self.query()
        self.body(Nothing)
        endpoints.remove(access_endpoint(id), actor=self.actor)
        return reply(StoredResponse(204, {}, b""))


class RotateWebhookSecret(Endpoint):
    """The secret of one endpoint."""

    rights: ClassVar = {"POST": _RIGHT}

    @documented(
        "Rotate a webhook secret",
        "Gives the endpoint a new secret, told here and never again. For 24 hours all is signed with both.",
        body=Nothing,
        query=NoQuery,
        answers={200: shapes.RotatedSecret},
        write=True,
        keyed=False,
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Rotate the secret."""
        self.query()
        self.body(Nothing)
        endpoint = access_endpoint(id)
        secret = endpoints.rotate_secret(endpoint, actor=self.actor)
        until = endpoint.previous_secret_until
        return _answer(200, {"secret": secret, "previous_secret_until": until})


class WebhookDeliveries(Endpoint):
    """What was sent to one endpoint, and what came back."""

    rights: ClassVar = {"GET": _RIGHT}

    @documented(
        "List webhook deliveries",
        "The latest first, each with its attempts: status or error, duration, the beginning of the answer.",
        query=shapes.DeliveriesQuery,
        answers={200: shapes.DeliveryPage},
    )
    def get(self, request: Request, id: UUID) -> HttpResponse:
        """List deliveries."""
        query = self.query(shapes.DeliveriesQuery)
        rows = list_deliveries(access_endpoint(id))
        if query.state:
            rows = rows.filter(state=query.state)
        found = page(rows, order="-event", cursor=query.cursor, limit=query.limit)
        parameters = {name: str(value) for name, value in request.GET.items() if name != "cursor"}
        results = [shapes.delivery(row, getattr(row, "shown_attempts", ())) for row in found.rows]
        following = next_link(request.path, parameters, found.next_cursor)
        return self.answer(shapes.DeliveryPage(results=results, next=following))


class ReplayWebhooks(Endpoint):
    """What one endpoint is sent once more."""

    rights: ClassVar = {"POST": _RIGHT}

    @documented(
        "Replay webhooks",
        "Sends one event, or all of a time, once more: with the same `webhook-id` and body and a new timestamp. What "
        "is still to be sent is left as it is.",
        body=shapes.ReplayInput,
        query=NoQuery,
        answers={202: shapes.Replayed},
        write=True,
        keyed=False,
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Replay."""
        self.query()
        body = self.body(shapes.ReplayInput)
        if (body.event_id is None) == (body.since is None):
            detail = "Give event_id, or since (and until), not both."
            raise Refused(422, "invalid_body", detail, faults=[Fault(code="invalid_value", detail=detail)])
        replayed = endpoints.replay(
            access_endpoint(id), actor=self.actor, event_id=body.event_id, since=body.since, until=body.until
        )
        return _answer(202, shapes.Replayed(replayed=replayed))


class TestWebhook(Endpoint):
    """A try of one endpoint."""

    rights: ClassVar = {"POST": _RIGHT}

    @documented(
        "Test a webhook endpoint",
        "Sends it a `webhook.test` event, whatever types it asked for; its deliveries tell how that went.",
        body=Nothing,
        query=NoQuery,
        answers={202: shapes.DeliveryShape},
        write=True,
        keyed=False,
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Send a test."""
        self.query()
        self.body(Nothing)
        sent = endpoints.send_test(access_endpoint(id), actor=self.actor)
        return _answer(202, shapes.delivery(sent, ()))


class WebhookEventSchema(Endpoint):
    """The shape of what is sent."""

    rights: ClassVar = {"GET": None}

    @documented(
        "Read the schema of webhook events",
        "A JSON Schema (2020-12) of the bodies of all events, by their type.",
        query=NoQuery,
        answers={200: shapes.EventSchema, 304: None},
    )
    def get(self, request: Request) -> HttpResponse:
        """Read the schema."""
        self.query()
        return self.answer_digested(event_schema())


def _answer(status: int, shape: Any, headers: dict[str, str] | None = None) -> HttpResponse:
    return reply(StoredResponse(status, headers or {}, msgspec.json.encode(shape)))
