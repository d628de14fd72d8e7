"""``/webhook_endpoints``: the endpoints of partners' systems that receive events, their deliveries and replays."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from msgspec import UNSET
from rest_framework.request import Request

from batch.idempotency import StoredResponse
from partner_engine.api import webhook_shapes as shapes
from partner_engine.api.http.endpoint import Endpoint, plain_response
from partner_engine.api.http.idempotency import respond_once
from partner_engine.api.http.input import Nothing
from partner_engine.api.http.pagination import next_page, page
from partner_engine.api.http.schema import documented
from partner_engine.problems import Refused
from tenants.access import Right
from tenants.limits.scopes import WEBHOOK_REPLAY, WEBHOOK_TEST
from webhooks import endpoints
from webhooks.event_types import event_schema
from webhooks.selectors import access_endpoint, list_deliveries, list_endpoints

_RIGHT = Right.MANAGE_WEBHOOKS
_CHANGEABLE = ("url", "event_types", "description", "has_test_forms")


class WebhookEndpoints(Endpoint):
    """The webhook endpoints of the tenant."""

    rights: ClassVar = {"GET": _RIGHT, "POST": _RIGHT}

    @documented(
        "List webhook endpoints",
        "All endpoints of the tenant, oldest first, with their failures. The list does not contain secrets.",
        responses={200: shapes.EndpointList},
    )
    def get(self, request: Request) -> HttpResponse:
        results = [shapes.EndpointShape(**shapes.endpoint_fields(endpoint)) for endpoint in list_endpoints()]
        return self.respond(shapes.EndpointList(results=results))

    @documented(
        "Add a webhook endpoint",
        "The response contains the `secret` that signs deliveries; no later response does, except to a repetition with "
        "the same `Idempotency-Key`.",
        body=shapes.NewEndpoint,
        responses={201: shapes.AddedEndpoint},
        write=True,
    )
    def post(self, request: Request, *, body: shapes.NewEndpoint) -> HttpResponse:
        def add() -> StoredResponse:
            endpoint, secret = endpoints.add(
                body.url,
                tenant=self.tenant,
                actor=self.actor,
                event_types=body.event_types,
                description=body.description,
                has_test_forms=body.has_test_forms,
            )
            shape = shapes.AddedEndpoint(**shapes.endpoint_fields(endpoint), secret=secret)
            return plain_response(shape, status=201, location=f"{request.path.rstrip('/')}/{endpoint.id}")

        return respond_once(self, add, contains_secret=True)


class WebhookEndpoint(Endpoint):
    """One webhook endpoint."""

    rights: ClassVar = {"GET": _RIGHT, "PATCH": _RIGHT, "DELETE": _RIGHT}

    @documented(
        "Read a webhook endpoint",
        "Its URL, event types and failures.",
        responses={200: shapes.EndpointShape},
    )
    def get(self, request: Request, id: UUID) -> HttpResponse:
        return self.respond(shapes.EndpointShape(**shapes.endpoint_fields(access_endpoint(id))))

    @documented(
        "Change a webhook endpoint",
        "Changes the submitted fields. `disabled` switches the endpoint off and on; once it is on, waiting deliveries "
        "are sent.",
        body=shapes.EndpointChange,
        responses={200: shapes.EndpointShape},
        write=True,
    )
    def patch(self, request: Request, id: UUID, *, body: shapes.EndpointChange) -> HttpResponse:
        self.require_body()
        fields = {name: value for name in _CHANGEABLE if (value := getattr(body, name)) is not UNSET}

        def change() -> StoredResponse:
            endpoint = access_endpoint(id)
            if fields:
                endpoints.change(endpoint, actor=self.actor, **fields)
            if body.disabled is not UNSET:
                endpoints.switch(endpoint, on=not body.disabled, actor=self.actor)
            return plain_response(shapes.EndpointShape(**shapes.endpoint_fields(endpoint)))

        return respond_once(self, change)

    @documented(
        "Remove a webhook endpoint",
        "Removes the endpoint, its deliveries and their log. A delivery in transit may still arrive.",
        body=Nothing,
        responses={204: None},
        write=True,
    )
    def delete(self, request: Request, id: UUID) -> HttpResponse:
        def remove() -> StoredResponse:
            endpoints.remove(access_endpoint(id), actor=self.actor)
            return StoredResponse(204, {}, b"")

        return respond_once(self, remove)


class RotateWebhookSecret(Endpoint):
    """The secret of one endpoint."""

    rights: ClassVar = {"POST": _RIGHT}

    @documented(
        "Rotate a webhook secret",
        "Replaces the endpoint's secret; no later response contains it, except to a repetition with the same "
        "`Idempotency-Key`. Deliveries are signed with both secrets for 24 hours.",
        body=Nothing,
        responses={200: shapes.RotatedSecret},
        write=True,
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        def rotate() -> StoredResponse:
            endpoint = access_endpoint(id)
            secret = endpoints.rotate_secret(endpoint, actor=self.actor)
            return plain_response({"secret": secret, "previous_secret_until": endpoint.previous_secret_until})

        return respond_once(self, rotate, contains_secret=True)


class WebhookDeliveries(Endpoint):
    """The deliveries to one webhook endpoint."""

    rights: ClassVar = {"GET": _RIGHT}

    @documented(
        "List webhook deliveries",
        "The deliveries, latest first, each with its attempts: status or error, duration, first bytes of the response.",
        query=shapes.DeliveriesQuery,
        responses={200: shapes.DeliveryPage},
    )
    def get(self, request: Request, id: UUID, *, query: shapes.DeliveriesQuery) -> HttpResponse:
        rows = list_deliveries(access_endpoint(id))
        if query.state:
            rows = rows.filter(state=query.state)
        deliveries = page(rows, order="-event", cursor=query.cursor, limit=query.limit)
        results = [shapes.delivery(row, getattr(row, "shown_attempts", ())) for row in deliveries.rows]
        return self.respond(shapes.DeliveryPage(results=results, next=next_page(request, deliveries.next_cursor)))


class ReplayWebhooks(Endpoint):
    """The repeated deliveries to one webhook endpoint."""

    rights: ClassVar = {"POST": _RIGHT}
    limits: ClassVar = {"POST": WEBHOOK_REPLAY}

    @documented(
        "Replay webhooks",
        "Sends one event, or all events of a period, again: with the same `webhook-id` and body and a new timestamp. "
        "Pending deliveries remain unchanged.",
        body=shapes.ReplayInput,
        responses={202: shapes.Replayed},
        write=True,
    )
    def post(self, request: Request, id: UUID, *, body: shapes.ReplayInput) -> HttpResponse:
        if (body.event_id is None) == (body.since is None):
            raise Refused.field("", "Send event_id, or since (and until), not both.")

        def replay() -> StoredResponse:
            replayed = endpoints.replay(
                access_endpoint(id), actor=self.actor, event_id=body.event_id, since=body.since, until=body.until
            )
            return plain_response(shapes.Replayed(replayed=replayed), status=202)

        return respond_once(self, replay)


class TestWebhook(Endpoint):
    """A test of one webhook endpoint."""

    rights: ClassVar = {"POST": _RIGHT}
    limits: ClassVar = {"POST": WEBHOOK_TEST}

    @documented(
        "Test a webhook endpoint",
        "Sends a `webhook.test` event, whatever event types the endpoint receives; its deliveries contain the result.",
        body=Nothing,
        responses={202: shapes.DeliveryShape},
        write=True,
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        def send() -> StoredResponse:
            sent = endpoints.send_test(access_endpoint(id), actor=self.actor)
            return plain_response(shapes.delivery(sent, ()), status=202)

        return respond_once(self, send)


class WebhookEventSchema(Endpoint):
    """The JSON Schema of webhook events."""

    rights: ClassVar = {"GET": None}

    @documented(
        "Read the schema of webhook events",
        "A JSON Schema (2020-12) of the bodies of all events, by their type.",
        responses={200: shapes.EventSchema, 304: None},
        selects=False,
    )
    def get(self, request: Request) -> HttpResponse:
        return self.respond_with_digest(event_schema())
