"""``/copies/{id}/events``: the permanent record of what happened to a copy."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from batch.changes.mutators.events import EventMutator
from batch.changes.records import SaveResult
from batch.context import BatchContext
from batch.idempotency import StoredResponse
from forms.selectors import list_events
from partner_engine.api import attached_shapes as shapes
from partner_engine.api.bodies import PageQuery, ReadQuery
from partner_engine.api.copies import find_copy
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.field_errors import errors_of_field
from partner_engine.api.http.pagination import next_page, page
from partner_engine.api.http.schema import documented
from partner_engine.api.http.writes import json_response, save_copy
from tenants.access import Right


class Events(Endpoint):
    """The events of one copy."""

    rights: ClassVar = {"GET": Right.READ_FORMS, "POST": Right.WRITE_FORMS}

    @documented(
        "List events",
        "The events of the copy with their actor and time, newest first. Changes of answers are in the history "
        "instead.",
        query=PageQuery,
        responses={200: shapes.EventPage, 304: None},
        tagged=True,
    )
    def get(self, request: Request, id: UUID, *, query: PageQuery) -> HttpResponse:
        context = find_copy(self, id, ReadQuery())
        events = page(list_events(id), order="-event", cursor=query.cursor, limit=query.limit)
        shape = shapes.EventPage([shapes.event(row) for row in events.rows], next_page(request, events.next_cursor))
        return self.respond_with_content_tag(shape, version=context.version)

    @documented(
        "Add an event",
        "Records permanently an event outside of this product, which only the caller can know of. Selected quotes and "
        "sent mails are recorded by the product itself. Webhooks receive the event as `event.<kind>` with its "
        "`details`, unmasked.",
        body=shapes.NewEvent,
        responses={201: shapes.EventShape},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID, *, body: shapes.NewEvent) -> HttpResponse:
        def change(context: BatchContext) -> EventMutator:
            with errors_of_field("/details"):
                return context.changeset.events.add(body.kind, details=body.details)

        return save_copy(self, id, change=change, respond=_respond)


def _respond(context: BatchContext, result: SaveResult, event: EventMutator) -> StoredResponse:
    return json_response(shapes.event(event.row), version=result.version, status=201)
