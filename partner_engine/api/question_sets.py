"""``/copies/{id}/question_sets``: the question sets on a copy, which callers also add by hand and remove again."""

from __future__ import annotations

from typing import ClassVar, Final
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from batch.changes.records import SaveResult
from batch.context import BatchContext
from batch.errors import NotFound, UnknownQuestionSet
from batch.idempotency import StoredResponse
from partner_engine.api import attached_shapes
from partner_engine.api.bodies import ReadQuery
from partner_engine.api.copies import find_copy, respond_to_read, tag_of
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.field_errors import errors_of_field
from partner_engine.api.http.input import Nothing
from partner_engine.api.http.schema import documented
from partner_engine.api.http.writes import json_response, no_content, save_copy
from presentation import shapes
from tenants.access import Right

_NOT_THERE: Final = "The copy has no question set with this code."


def _list(context: BatchContext) -> shapes.QuestionSetList:
    changeset, _ = context.current_view()
    return shapes.QuestionSetList(context.version, shapes.question_sets(changeset.document))


class QuestionSets(Endpoint):
    """The question sets on one copy."""

    rights: ClassVar = {"GET": Right.READ_FORMS, "POST": Right.WRITE_FORMS}

    @documented(
        "List question sets",
        "The question sets on the copy: who or which rule put each of them there, and when its last needed answer was "
        "given. `at_version` and `at` return those of an earlier version.",
        query=ReadQuery,
        responses={200: shapes.QuestionSetList, 304: None},
        tagged=True,
    )
    def get(self, request: Request, id: UUID, *, query: ReadQuery) -> HttpResponse:
        return respond_to_read(self, id, query, _list)

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

    rights: ClassVar = {"GET": Right.READ_FORMS, "DELETE": Right.WRITE_FORMS}

    @documented(
        "Read a question set",
        "One question set on the copy. 404 if it is not on the copy.",
        query=ReadQuery,
        responses={200: shapes.QuestionSetShape, 304: None},
        tagged=True,
    )
    def get(self, request: Request, id: UUID, code: str, *, query: ReadQuery) -> HttpResponse:
        context = find_copy(self, id, query)
        changeset, _ = context.current_view()
        sets = {shape.code: shape for shape in shapes.question_sets(changeset.document)}
        if code not in sets:
            raise NotFound(_NOT_THERE)
        return self.respond(sets[code], etag=tag_of(context))

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
                raise NotFound(_NOT_THERE) from error

        return save_copy(self, id, change=change, respond=no_content)
