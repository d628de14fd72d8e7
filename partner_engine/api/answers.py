"""``PATCH /copies/{id}/answers``: change many answers and rows in one save, or in a dry run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
from partner_engine.api.http.field_errors import refusals_of_answers
from partner_engine.api.http.idempotency import idempotency_key
from partner_engine.api.http.schema import documented
from partner_engine.api.http.writes import json_response, save_copy
from partner_engine.problems import Refused
from presentation import shapes
from tenants.access import Right


class Answers(Endpoint):
    """The answers of one copy."""

    rights: ClassVar = {"PATCH": Right.WRITE_FORMS}

    @documented(
        "Change answers",
        "Changes many answers and rows in one save: all of them or, after a single error, none. Pools contain rows: "
        "`{answers}` adds one, `{id, answers}` changes one, `{id, delete: true}` removes one; rows nest. A new row can "
        "have a `ref`, a name of the request for it: `refs` in the response has its id and path by it. The response "
        "lists every change with its cause, the products whose outcome or premium changed, what is still needed and "
        "all messages. With `dry_run=true` nothing is written; the response lists what would change.",
        body=AnswersChange,
        query=DryRunQuery,
        responses={200: (shapes.ChangesShape, shapes.ChangesWithRefsShape, shapes.Receipt)},
        write=True,
        tagged=True,
    )
    def patch(self, request: Request, id: UUID, *, body: AnswersChange, query: DryRunQuery) -> HttpResponse:
        self.require_body()

        def change(context: BatchContext) -> None:
            submit_answers(context.changeset, body.answers, body.answer_pools)

        if query.dry_run:
            context = self._open_for_dry_run(id)
            change(context)
            shape = saved_changes(context, context.preview(), dry_run=True)
            return self.respond_in_full(shape, version_tag(context.version))
        return save_copy(self, id, change=change, respond=_respond)

    def refusals_of_answers(self, **places: object) -> Sequence[Refused]:
        """Return what is wrong with the answers in a request that is refused for its shape."""
        return refusals_of_answers(self._to_read(UUID(str(places["id"]))), self.parsed_body())

    @contextmanager
    def _to_read(self, id: UUID) -> Iterator[BatchContext]:
        yield find_copy(self, id, ReadQuery())

    def _open_for_dry_run(self, id: UUID) -> BatchContext:
        idempotency_key(self)  # refuses a malformed key, as a write does; a dry run stores nothing under a valid one
        expected = expected_version(self.request.headers.get("If-Match"))
        context = find_copy(self, id, ReadQuery())
        if expected is not None and expected != context.version:
            raise VersionMismatch(expected=expected, actual=context.version)
        return context


def _respond(context: BatchContext, result: SaveResult, value: None) -> StoredResponse:
    return json_response(saved_changes(context, result), version=result.version)
