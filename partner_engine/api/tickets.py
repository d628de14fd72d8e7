"""``/tickets``: one-time tickets with which programs open a WebSocket."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from django.http import HttpResponse
from redis.exceptions import RedisError
from rest_framework.request import Request

from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.input import Nothing
from partner_engine.api.http.schema import documented
from partner_engine.problems import Refused
from partner_engine.socket_tickets import SECONDS, issue
from tenants.access import Right
from tenants.limits.scopes import TICKETS


class Ticket(msgspec.Struct, frozen=True):
    """A one-time ticket that opens a WebSocket within ``expires_in`` seconds: ``/ws/copies/{id}/?ticket=``."""

    ticket: str
    expires_in: int


class Tickets(Endpoint):
    """The issuing of tickets."""

    rights: ClassVar = {"POST": Right.READ_FORMS}
    limits: ClassVar = {"POST": TICKETS}

    @documented(
        "Get a ticket for a socket",
        "Returns a ticket that opens one WebSocket, `/ws/copies/{id}/?ticket=`, within 30 seconds. The socket has the "
        "rights of the token that requested the ticket, and is closed when that token ends. A ticket can be used only "
        "once, so an `Idempotency-Key` is refused.",
        body=Nothing,
        responses={201: Ticket},
        write=True,
        keyed=False,
    )
    def post(self, request: Request) -> HttpResponse:
        token = request.auth
        kind, key = ("session", request.session.session_key) if token is None else ("token", str(token.pk))
        try:
            ticket = issue(tenant_id=self.tenant.id, kind=kind, key=key or "")
        except RedisError as error:
            detail = "Tickets cannot be issued at the moment; try again later."
            raise Refused(503, "unavailable", detail, headers={"Retry-After": "1"}) from error
        return self.respond_with_status(201, Ticket(ticket, SECONDS))
