"""``/copies/{id}/messages``: messages that people, systems and processes post on a copy. Messages of the rules are part
of the copy itself.
"""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from batch.changes.mutators.messages import About, MessageMutator
from batch.changes.records import SaveResult
from batch.context import BatchContext
from batch.errors import NotFound, UnknownRecord
from batch.idempotency import StoredResponse
from copies.paths import lower_row_ids
from forms.selectors import list_messages
from partner_engine.api import attached_shapes as shapes
from partner_engine.api.bodies import PageQuery, ReadQuery
from partner_engine.api.copies import find_copy
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.field_errors import errors_of_field
from partner_engine.api.http.input import Nothing
from partner_engine.api.http.pagination import next_page, page
from partner_engine.api.http.schema import documented
from partner_engine.api.http.writes import json_response, no_content, save_copy
from tenants.access import Right


class Messages(Endpoint):
    """The messages that were posted on one copy."""

    rights: ClassVar = {"GET": Right.READ_FORMS, "POST": Right.WRITE_FORMS}

    @documented(
        "List posted messages",
        "The messages on the copy that are not dismissed, newest first. Messages of the rules are in the copy itself.",
        query=PageQuery,
        responses={200: shapes.PostedMessagePage, 304: None},
        tagged=True,
    )
    def get(self, request: Request, id: UUID, *, query: PageQuery) -> HttpResponse:
        context = find_copy(self, id, ReadQuery())
        messages = page(list_messages(id), order="-event", cursor=query.cursor, limit=query.limit)
        results = [shapes.posted_message(row) for row in messages.rows]
        shape = shapes.PostedMessagePage(results, next_page(request, messages.next_cursor))
        return self.respond_with_content_tag(shape, version=context.version)

    @documented(
        "Post a message",
        "Posts a message about the copy, or with `path` about one of its answers or rows, for everybody who works on "
        "it. The text is displayed, stored in the history and sent to webhooks unmasked, so do not send sensitive "
        "values; a text that contains a Social Security, tax or card number is refused.",
        body=shapes.NewMessage,
        responses={201: shapes.PostedMessage},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID, *, body: shapes.NewMessage) -> HttpResponse:
        def change(context: BatchContext) -> MessageMutator:
            changeset = context.changeset
            path = lower_row_ids(body.path)
            if path:
                with errors_of_field("/path"):
                    changeset.require_place(path)
            kind: About = "answer" if path else "application_form"
            with errors_of_field("/text"):
                return changeset.messages.add(body.text, kind=kind, severity=body.severity, path=path)

        return save_copy(self, id, change=change, respond=_respond)


class Message(Endpoint):
    """One message that was posted on a copy."""

    rights: ClassVar = {"DELETE": Right.WRITE_FORMS}

    @documented(
        "Dismiss a message",
        "Removes a posted message. The copy's history still contains it, and who dismissed it.",
        body=Nothing,
        responses={204: None},
        write=True,
        tagged=True,
    )
    def delete(self, request: Request, id: UUID, message_id: UUID) -> HttpResponse:
        def change(context: BatchContext) -> None:
            try:
                context.changeset.messages.find(message_id).dismiss()
            except UnknownRecord as error:
                raise NotFound("The copy has no message with this id, or it was dismissed already.") from error

        return save_copy(self, id, change=change, respond=no_content)


def _respond(context: BatchContext, result: SaveResult, message: MessageMutator) -> StoredResponse:
    return json_response(shapes.posted_message(message.row), version=result.version, status=201)
