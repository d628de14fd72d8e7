"""``PATCH /copies/{id}/answers``: change many answers and rows in one save, or in a dry run."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from batch.changes.records import SaveResult
from batch.changes.submission import submit_answers
from batch.context import BatchContext
from batch.errors import VersionMismatch
from batch.idempotency import StoredResponse
from partner_engine.api.bodies import AnswersChange, DryRunQuery, ReadQuery
from partner_engine.api.copies import find_copy
from partner_engine.api.copy_response import saved_changes
from partner_engine.api.http.conditional import expected_version, version_tag
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.idempotency import idempotency_key
from partner_engine.api.http.schema import documented
from partner_engine.api.http.writes import Opener, exact_copy, json_response, save
from presentation import shapes
from tenants.access import Right

DESCRIPTION = (
    "Changes many answers and rows in one save: all of them or, after a single error, none. Pools contain rows: "
    "`{answers}` adds one, `{id, answers}` changes one, `{id, delete: true}` removes one; rows nest. The response "
    "lists every change with its cause, the products whose outcome or premium changed, what is still needed and all "
    "messages. With `dry_run=true` nothing is written; the response lists what would change."
)


class Answers(Endpoint):
    """The answers of one copy."""

    rights: ClassVar = {"PATCH": Right.WRITE_FORMS}

    @documented(
        "Change answers",
        DESCRIPTION,
        body=AnswersChange,
        query=DryRunQuery,
        responses={200: (shapes.ChangesShape, shapes.Receipt)},
        write=True,
        tagged=True,
    )
    def patch(self, request: Request, id: UUID, *, body: AnswersChange, query: DryRunQuery) -> HttpResponse:
        return self.change_answers(id, body, dry_run=query.dry_run)

    def change_answers(self, id: UUID, body: AnswersChange, *, dry_run: bool) -> HttpResponse:
        """Apply ``body`` to the copy and save it, or return what a save would change."""

        self.require_body()

        def change(context: BatchContext) -> None:
            submit_answers(context.changeset, body.answers, body.answer_pools)

        if dry_run:
            context = self._open_for_dry_run(id)
            change(context)
            shape = saved_changes(context, context.preview(), dry_run=True)
            return self.respond_in_full(shape, version_tag(context.version))
        return save(self, self.opener(id), change=change, respond=_respond)

    def opener(self, id: UUID) -> Opener:
        """Return the opener of the copy to change."""
        return exact_copy(self, id)

    def find(self, id: UUID) -> BatchContext:
        """Return the copy to change, for a dry run."""
        return find_copy(self, id, ReadQuery())

    def _open_for_dry_run(self, id: UUID) -> BatchContext:
        idempotency_key(self)  # refuses a malformed key, as a write does; a dry run stores nothing under a valid one
        expected = expected_version(self.request.headers.get("If-Match"))
        context = self.find(id)
        if expected is not None and expected != context.version:
            raise VersionMismatch(expected=expected, actual=context.version)
        return context


def _respond(context: BatchContext, result: SaveResult, value: None) -> StoredResponse:
    return json_response(saved_changes(context, result), version=result.version)
