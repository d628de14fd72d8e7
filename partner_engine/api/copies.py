"""``/copies/{id}``: read a copy as it is or was, rename it, delete and restore it, lock and unlock it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from batch import service as batch
from batch.changes.records import SaveResult
from batch.context import BatchContext
from batch.errors import NotFound
from batch.idempotency import StoredResponse
from partner_engine.api.bodies import CopyChange, NoQuery, Nothing, ReadQuery
from partner_engine.api.copy_response import copy_shape
from partner_engine.api.http.conditional import version_tag
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.schema import F, documented
from partner_engine.api.http.writes import gone, save_copy, stored
from partner_engine.problems import Fault, Refused
from presentation import shapes
from tenants.access import Right


def find_copy(endpoint: Endpoint, copy_id: UUID, query: ReadQuery) -> BatchContext:
    """Return the copy with this very id, as it stands or as ``query`` says it stood. Raises ``NotFound``."""
    if query.at_version is not None and query.at is not None:
        detail = "Give at_version or at, not both."
        raise Refused(400, "invalid_query", detail, faults=[Fault(code="invalid_value", path="at", detail=detail)])
    context = batch.find(
        copy_id, scope=endpoint.tenant, actor=endpoint.actor, version=query.at_version, moment=query.at
    )
    # A form's id may lead to another copy; below ``/copies`` an id means that copy or nothing.
    if context.copy.id != copy_id:
        raise NotFound
    return context


class Copy(Endpoint):
    """One copy."""

    rights: ClassVar = {"GET": Right.READ_FORMS, "PATCH": Right.WRITE_FORMS, "DELETE": Right.WRITE_FORMS}

    @documented(
        "Read a copy",
        "The whole copy: answers, rows, question sets, eligibility with reasons, what is needed, messages. "
        "`at_version` or `at` give it as it stood then. Sensitive answers are masked; personal ones too without the "
        "right `answers:pii`.",
        query=ReadQuery,
        answers={200: shapes.CopyShape, 304: None},
        tagged=True,
    )
    def get(self, request: Request, id: UUID) -> HttpResponse:
        """Read a copy."""
        context = find_copy(self, id, self.query(ReadQuery))
        shape = copy_shape(context, actor=self.actor)
        # A new day or release may decide otherwise without a new version; then the version alone does not prove that
        # nothing
        # changed.
        if not context.is_evaluation_current:
            return self.answer_with_tag(shape, version_tag(context.version))
        return self.answer(shape, etag=version_tag(context.version))

    @documented(
        "Rename a copy",
        "Changes the copy's title.",
        body=CopyChange,
        query=NoQuery,
        answers={200: shapes.CopyShape},
        write=True,
        tagged=True,
    )
    def patch(self, request: Request, id: UUID) -> HttpResponse:
        """Rename a copy."""
        self.query()
        body = self.body(CopyChange)

        def change(context: BatchContext) -> None:
            context.changeset.copy.rename(body.title)

        return save_copy(self, id, change=change, answer=self._shown)

    @documented(
        "Delete a copy",
        "Deletes softly: the copy is found no more until it is restored. A form keeps at least one copy.",
        body=Nothing,
        query=NoQuery,
        answers={204: None},
        write=True,
        tagged=True,
    )
    def delete(self, request: Request, id: UUID) -> HttpResponse:
        """Delete a copy."""
        self.query()
        self.body(Nothing)

        def change(context: BatchContext) -> None:
            context.changeset.copy.delete()

        return save_copy(self, id, change=change, answer=gone)

    def _shown(self, context: BatchContext, result: SaveResult) -> StoredResponse:
        return stored(copy_shape(context, actor=self.actor, result=result), version=result.version)


def _action(summary: str, description: str) -> Callable[[F], F]:
    """Describe something done to a copy as a whole: it takes no body and answers with the copy."""
    answers = {200: shapes.CopyShape}
    return documented(summary, description, body=Nothing, query=NoQuery, answers=answers, write=True, tagged=True)


class CopyAction(Endpoint):
    """Something done to a copy as a whole; the answer is the copy."""

    rights: ClassVar = {"POST": Right.WRITE_FORMS}
    deleted_too: ClassVar = False

    def change(self, context: BatchContext) -> None:
        """Do it in memory."""
        raise NotImplementedError

    def run(self, copy_id: UUID) -> HttpResponse:
        """Do it, save, answer with the copy."""
        self.query()
        self.body(Nothing)

        def answer(context: BatchContext, result: SaveResult) -> StoredResponse:
            return stored(copy_shape(context, actor=self.actor, result=result), version=result.version)

        return save_copy(self, copy_id, change=self.change, answer=answer, deleted_too=self.deleted_too)


class RestoreCopy(CopyAction):
    """Brings a deleted copy back."""

    deleted_too: ClassVar = True

    @_action(
        "Restore a copy",
        "Brings a deleted copy back with all its answers. One that is not deleted stays as it is.",
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Restore a copy."""
        return self.run(id)

    def change(self, context: BatchContext) -> None:
        """Restore in memory."""
        context.changeset.copy.restore()


class LockCopy(CopyAction):
    """Keeps a copy from being changed."""

    @_action(
        "Lock a copy",
        "A locked copy takes no changes (409 `copy_locked`) until it is unlocked.",
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Lock a copy."""
        return self.run(id)

    def change(self, context: BatchContext) -> None:
        """Lock in memory."""
        context.changeset.copy.lock()


class UnlockCopy(CopyAction):
    """Lets changes in again."""

    @_action(
        "Unlock a copy",
        "Lets changes in again. One that is not locked stays as it is.",
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Unlock a copy."""
        return self.run(id)

    def change(self, context: BatchContext) -> None:
        """Unlock in memory."""
        context.changeset.copy.unlock()
