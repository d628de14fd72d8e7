"""``/copies/{id}/events``: what happened to a copy, kept for good."""

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
from partner_engine.api.bodies import NoQuery, PageQuery, ReadQuery
from partner_engine.api.copies import find_copy
from partner_engine.api.http.conditional import version_tag
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.field_errors import pointing
from partner_engine.api.http.pagination import next_page, page
from partner_engine.api.http.schema import documented
from partner_engine.api.http.writes import save_copy, stored
from tenants.access import Right


class Events(Endpoint):
    """The events of one copy."""

    rights: ClassVar = {"GET": Right.READ_FORMS, "POST": Right.WRITE_FORMS}

    @documented(
        "List events",
        "What happened to the copy, by whom and when, the newest first. Who changed what is in its history instead.",
        query=PageQuery,
        answers={200: shapes.EventPage, 304: None},
        tagged=True,
    )
    def get(self, request: Request, id: UUID) -> HttpResponse:
        """List events."""
        query = self.query(PageQuery)
        context = find_copy(self, id, ReadQuery())
        found = page(list_events(id), order="-event", cursor=query.cursor, limit=query.limit)
        shape = shapes.EventPage([shapes.event(row) for row in found.rows], next_page(request, found.next_cursor))
        return self.answer(shape, etag=version_tag(context.version))

    @documented(
        "Add an event",
        "Keeps for good that something happened outside, which only the caller can know. Of quotes that were selected "
        "and mails that were sent the product itself keeps the events. Webhooks are told of it as `event.<kind>` with "
        "its `details`, in the clear.",
        body=shapes.NewEvent,
        query=NoQuery,
        answers={201: shapes.EventShape},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Add an event."""
        self.query()
        body = self.body(shapes.NewEvent)
        added: list[EventMutator] = []

        def change(context: BatchContext) -> None:
            with pointing("/details"):
                added.append(context.changeset.events.add(body.kind, details=body.details))

        def answer(context: BatchContext, result: SaveResult) -> StoredResponse:
            return stored(shapes.event(added[-1].row), version=result.version, status=201)

        return save_copy(self, id, change=change, answer=answer)
