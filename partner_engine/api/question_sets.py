"""``/copies/{id}/question_sets``: question sets that somebody puts on a copy by hand, and takes off again."""

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
from partner_engine.api.bodies import NoQuery, Nothing
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.field_errors import pointing
from partner_engine.api.http.schema import documented
from partner_engine.api.http.writes import gone, save_copy, stored
from presentation import shapes
from tenants.access import Right


class QuestionSets(Endpoint):
    """The question sets on one copy."""

    rights: ClassVar = {"POST": Right.WRITE_FORMS}

    @documented(
        "Put a question set on a copy",
        "It stays until it is taken off by hand, also while the rules do not ask for it: `remove_if_ineligible` is "
        "false. Its questions are asked where their own conditions hold, as always. One that is there already is kept "
        "from now on: 200 instead of 201.",
        body=attached_shapes.NewQuestionSet,
        query=NoQuery,
        answers={200: shapes.QuestionSetShape, 201: shapes.QuestionSetShape},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Put a question set on."""
        self.query()
        code = self.body(attached_shapes.NewQuestionSet).code
        status = 200

        def change(context: BatchContext) -> None:
            nonlocal status
            status = 200 if context.changeset.question_set(code) else 201
            with pointing("/code"):
                context.changeset.add_question_set(code).keep_if_ineligible()

        def answer(context: BatchContext, result: SaveResult) -> StoredResponse:
            found = next(found for found in shapes.question_sets(context.changeset.document) if found.code == code)
            return stored(found, version=result.version, status=status)

        return save_copy(self, id, change=change, answer=answer)


class QuestionSet(Endpoint):
    """One question set on a copy."""

    rights: ClassVar = {"DELETE": Right.WRITE_FORMS}

    @documented(
        "Take a question set off a copy",
        "Takes off what was put on by hand; answers to its questions stay. While the rules ask for it themselves it "
        "cannot be taken off: 409 `question_set_asked_for`; `explain?target=set:...` tells why they do.",
        body=Nothing,
        query=NoQuery,
        answers={204: None},
        write=True,
        tagged=True,
    )
    def delete(self, request: Request, id: UUID, code: str) -> HttpResponse:
        """Take a question set off."""
        self.query()
        self.body(Nothing)

        def change(context: BatchContext) -> None:
            try:
                context.changeset.find_question_set(code).remove()
            except UnknownQuestionSet as error:
                raise NotFound("The copy has no question set with this code.") from error

        return save_copy(self, id, change=change, answer=gone)
