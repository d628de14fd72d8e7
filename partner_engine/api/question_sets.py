"""``/copies/{id}/question_sets``: question sets that a caller adds to a copy by hand, and removes again."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from batch.changes.records import SaveResult
from batch.context import BatchContext
from batch.errors import NotFound, UnknownQuestionSet
from batch.idempotency import StoredResponse
from partner_engine.api import attached_shapes
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.field_errors import errors_of_field
from partner_engine.api.http.input import Nothing
from partner_engine.api.http.schema import documented
from partner_engine.api.http.writes import json_response, no_content, save_copy
from presentation import shapes
from tenants.access import Right


class QuestionSets(Endpoint):
    """The question sets on one copy."""

    rights: ClassVar = {"POST": Right.WRITE_FORMS}

    @documented(
        "Put a question set on a copy",
        "The set remains until it is removed by hand, even if the rules do not require it: `remove_if_ineligible` is "
        "false. Its questions are still asked only where their own conditions hold. A set that is on the copy already "
        "becomes permanent in the same way: 200 instead of 201.",
        body=attached_shapes.NewQuestionSet,
        responses={200: shapes.QuestionSetShape, 201: shapes.QuestionSetShape},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID, *, body: attached_shapes.NewQuestionSet) -> HttpResponse:
        def change(context: BatchContext) -> int:
            status = 200 if context.changeset.question_set(body.code) else 201
            with errors_of_field("/code"):
                context.changeset.add_question_set(body.code).keep_if_ineligible()
            return status

        def respond(context: BatchContext, result: SaveResult, status: int) -> StoredResponse:
            sets = {shape.code: shape for shape in shapes.question_sets(context.changeset.document)}
            return json_response(sets[body.code], version=result.version, status=status)

        return save_copy(self, id, change=change, respond=respond)


class QuestionSet(Endpoint):
    """One question set on a copy."""

    rights: ClassVar = {"DELETE": Right.WRITE_FORMS}

    @documented(
        "Take a question set off a copy",
        "Removes a set that was added by hand; answers to its questions remain. A set that the rules require cannot be "
        "removed: 409 `question_set_asked_for`; `explain?target=set:...` explains why they require it.",
        body=Nothing,
        responses={204: None},
        write=True,
        tagged=True,
    )
    def delete(self, request: Request, id: UUID, code: str) -> HttpResponse:
        def change(context: BatchContext) -> None:
            try:
                context.changeset.find_question_set(code).remove()
            except UnknownQuestionSet as error:
                raise NotFound("The copy has no question set with this code.") from error

        return save_copy(self, id, change=change, respond=no_content)
