"""``/tickets``: the way of programs to a socket."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from django.http import HttpResponse
from redis.exceptions import RedisError
from rest_framework.request import Request

from batch.idempotency import StoredResponse
from partner_engine.api.bodies import NoQuery, Nothing
from partner_engine.api.http.endpoint import Endpoint, reply
from partner_engine.api.http.schema import documented
from partner_engine.problems import Refused
from partner_engine.socket_tickets import SECONDS, issue
from tenants.access import Right


class Ticket(msgspec.Struct, frozen=True):
    """Opens one socket within ``expires_in`` seconds: ``/ws/copies/{id}/?ticket=``."""

    ticket: str
    expires_in: int


class Tickets(Endpoint):
    """Tickets for sockets."""

    rights: ClassVar = {"POST": Right.READ_FORMS}

    @documented(
        "Get a ticket for a socket",
        "Opens one socket, `/ws/copies/{id}/?ticket=`, within 30 seconds and once. The socket lives as long as the "
        "token that the ticket was asked with, and has its rights. A ticket opens one socket only, so an "
        "`Idempotency-Key` has no use here.",
        body=Nothing,
        query=NoQuery,
        answers={201: Ticket},
        write=True,
        keyed=False,
    )
    def post(self, request: Request) -> HttpResponse:
        """Issue a ticket."""
        self.query()
        self.body(Nothing)
        token = request.auth
        kind, key = ("session", request.session.session_key) if token is None else ("token", str(token.pk))
        try:
            ticket = issue(tenant_id=self.tenant.id, kind=kind, key=key or "")
        except RedisError as error:
            detail = "Tickets cannot be issued now; try again in a moment."
            raise Refused(503, "unavailable", detail, headers={"Retry-After": "1"}) from error
        return reply(StoredResponse(201, {}, msgspec.json.encode(Ticket(ticket, SECONDS))))
