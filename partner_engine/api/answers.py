"""``PATCH /copies/{id}/answers``: many answers and rows in one save, or a dry run of it."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from batch.changes.records import SaveResult
from batch.context import BatchContext
from batch.errors import VersionMismatch
from batch.idempotency import StoredResponse
from partner_engine.api.bodies import AnswersChange, DryRunQuery, ReadQuery
from partner_engine.api.copies import find_copy
from partner_engine.api.copy_response import changes_shape
from partner_engine.api.http.conditional import expected_version, version_tag
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.schema import documented
from partner_engine.api.http.writes import Answer, Change, idempotency_key, save_copy, stored
from presentation import shapes
from tenants.access import Right

DESCRIPTION = (
    "Takes many answers and rows in one save: all of them or, with a single fault, none. Pools hold rows: `{answers}` "
    "adds one, `{id, answers}` changes one, `{id, delete: true}` ends one; rows nest. The answer tells every change "
    "with its cause, the products that moved, what is needed now and all messages. With `dry_run=true` nothing at all "
    "is written; the same answer tells what would happen."
)


class Answers(Endpoint):
    """The answers of one copy."""

    rights: ClassVar = {"PATCH": Right.WRITE_FORMS}

    @documented(
        "Change answers",
        DESCRIPTION,
        body=AnswersChange,
        query=DryRunQuery,
        answers={200: shapes.ChangesShape},
        write=True,
        tagged=True,
    )
    def patch(self, request: Request, id: UUID) -> HttpResponse:
        """Change answers."""
        query = self.query(DryRunQuery)
        body = self.body(AnswersChange)

        def change(context: BatchContext) -> None:
            context.changeset.apply_answers(body.answers, body.answer_pools)

        def answer(context: BatchContext, result: SaveResult) -> StoredResponse:
            return stored(changes_shape(context, result, actor=self.actor), version=result.version)

        if query.dry_run:
            return self._dry_run(id, change)
        return self.save(id, change, answer)

    def find(self, id: UUID) -> BatchContext:
        """Return the copy to change, for a dry run."""
        return find_copy(self, id, ReadQuery())

    def save(self, id: UUID, change: Change, answer: Answer) -> HttpResponse:
        """Change the copy and save it."""
        return save_copy(self, id, change=change, answer=answer)

    def _dry_run(self, id: UUID, change: Change) -> HttpResponse:
        idempotency_key(self)  # a malformed key is refused here too; there is nothing to keep under a good one
        expected = expected_version(self.request.headers.get("If-Match"))
        context = self.find(id)
        if expected is not None and expected != context.version:
            raise VersionMismatch(expected=expected, actual=context.version)
        change(context)
        shape = changes_shape(context, context.preview(), actor=self.actor, dry_run=True)
        return self.answer_with_tag(shape, version_tag(context.version))
