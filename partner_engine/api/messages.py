"""``/copies/{id}/messages``: what people, systems and processes say about a copy; what the rules say is in the copy."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from batch.changes.mutators.messages import About, MessageMutator
from batch.changes.records import SaveResult
from batch.context import BatchContext
from batch.errors import NotFound, UnknownNeighbour
from batch.idempotency import StoredResponse
from forms.selectors import list_messages
from partner_engine.api import attached_shapes as shapes
from partner_engine.api.bodies import NoQuery, Nothing, PageQuery, ReadQuery
from partner_engine.api.copies import find_copy
from partner_engine.api.http.conditional import version_tag
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.field_errors import pointing
from partner_engine.api.http.pagination import next_page, page
from partner_engine.api.http.schema import documented
from partner_engine.api.http.writes import gone, save_copy, stored
from tenants.access import Right


class Messages(Endpoint):
    """The messages that were posted on one copy."""

    rights: ClassVar = {"GET": Right.READ_FORMS, "POST": Right.WRITE_FORMS}

    @documented(
        "List posted messages",
        "What was said about the copy and not dismissed, the newest first. What the rules say is in the copy itself.",
        query=PageQuery,
        answers={200: shapes.PostedMessagePage, 304: None},
        tagged=True,
    )
    def get(self, request: Request, id: UUID) -> HttpResponse:
        """List messages."""
        query = self.query(PageQuery)
        context = find_copy(self, id, ReadQuery())
        found = page(list_messages(id), order="-event", cursor=query.cursor, limit=query.limit)
        results = [shapes.posted_message(row) for row in found.rows]
        shape = shapes.PostedMessagePage(results, next_page(request, found.next_cursor))
        return self.answer(shape, etag=version_tag(context.version))

    @documented(
        "Post a message",
        "Says something about the copy, or with `path` about one of its answers or rows, to all who work on it. The "
        "text is shown, kept in history and sent to webhooks in the clear, so it is no place for sensitive values; one "
        "that holds a Social Security, tax or card number is refused.",
        body=shapes.NewMessage,
        query=NoQuery,
        answers={201: shapes.PostedMessage},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Post a message."""
        self.query()
        body = self.body(shapes.NewMessage)
        posted: list[MessageMutator] = []

        def change(context: BatchContext) -> None:
            changeset = context.changeset
            if body.path:
                with pointing("/path"):
                    changeset.require_place(body.path)
            kind: About = "answer" if body.path else "application_form"
            with pointing("/text"):
                posted.append(changeset.messages.add(body.text, kind=kind, severity=body.severity, path=body.path))

        def answer(context: BatchContext, result: SaveResult) -> StoredResponse:
            return stored(shapes.posted_message(posted[-1].row), version=result.version, status=201)

        return save_copy(self, id, change=change, answer=answer)


class Message(Endpoint):
    """One message that was posted on a copy."""

    rights: ClassVar = {"DELETE": Right.WRITE_FORMS}

    @documented(
        "Dismiss a message",
        "Takes a posted message away. That it was posted, and by whom it was dismissed, stays in the copy's history.",
        body=Nothing,
        query=NoQuery,
        answers={204: None},
        write=True,
        tagged=True,
    )
    def delete(self, request: Request, id: UUID, message_id: UUID) -> HttpResponse:
        """Dismiss a message."""
        self.query()
        self.body(Nothing)

        def change(context: BatchContext) -> None:
            try:
                context.changeset.messages.find(message_id).dismiss()
            except UnknownNeighbour as error:
                raise NotFound("The copy has no message with this id, or it was dismissed already.") from error

        return save_copy(self, id, change=change, answer=gone)
