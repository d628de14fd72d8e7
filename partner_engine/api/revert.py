"""``POST /copies/{id}/revert``: take a copy back to an earlier version, or that version into a new copy."""

from __future__ import annotations

from functools import partial
from typing import ClassVar
from uuid import UUID

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request

from batch import service as batch
from batch.changes.records import SaveResult
from batch.context import BatchContext
from batch.errors import VersionMismatch
from batch.idempotency import StoredResponse
from batch.revert import revert
from partner_engine.api.application_forms import respond_with_new_copy
from partner_engine.api.bodies import ReadQuery, RevertInput
from partner_engine.api.copies import find_copy
from partner_engine.api.copy_response import saved_changes
from partner_engine.api.form_fields import checked_title
from partner_engine.api.http.conditional import expected_version
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.schema import documented
from partner_engine.api.http.writes import json_response, save, save_copy
from presentation import shapes
from tenants.access import Right


class Revert(Endpoint):
    """The way back to an earlier version of a copy."""

    rights: ClassVar = {"POST": Right.WRITE_FORMS}

    @documented(
        "Revert a copy",
        "Makes the answers and rows of an earlier version the present ones, as a new version, decided with the present "
        "release: nothing that was saved since is lost, and another revert undoes it. Rows keep their ids, answers "
        "their authors of then. Messages, quotes and other records of the copy remain as they are. With "
        '`into: "new_copy"` the copy remains unchanged, and the response is a new copy with the answers of then.',
        body=RevertInput,
        responses={200: (shapes.RevertShape, shapes.Receipt), 201: (shapes.CopyShape, shapes.Receipt)},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID, *, body: RevertInput) -> HttpResponse:
        if body.into == "new_copy":
            return self._into_new_copy(id, body)

        def change(context: BatchContext) -> tuple[int, list[str]]:
            return body.version, revert(context, body.version)

        return save_copy(self, id, change=change, respond=_respond)

    def _into_new_copy(self, copy_id: UUID, body: RevertInput) -> HttpResponse:
        present = find_copy(self, copy_id, ReadQuery())  # only the id of a copy will do
        expected = expected_version(self.request.headers.get("If-Match"))

        # Without the lock: nothing of the present version is read or overwritten.
        def compare(context: BatchContext) -> None:
            if expected is not None and expected != present.version:
                raise VersionMismatch(expected=expected, actual=present.version)

        opener = partial(
            batch.build_copy,
            copy_id,
            scope=self.tenant,
            actor=self.actor,
            title=checked_title(body.title),
            version=body.version,
        )
        return save(self, opener, change=compare, respond=respond_with_new_copy)


def _respond(context: BatchContext, result: SaveResult, value: tuple[int, list[str]]) -> StoredResponse:
    version, not_restored = value
    saved = saved_changes(context, result)
    if isinstance(saved, shapes.Receipt):
        return json_response(saved, version=result.version)
    changed = {change.path for change in result.changes}
    refused = [message.path for message in result.evaluation.messages if message.kind == "error"]
    shape = shapes.RevertShape(
        **msgspec.structs.asdict(saved),
        reverted_to=version,
        refused=[path for path in dict.fromkeys(refused) if path in changed],
        not_restored=not_restored,
    )
    return json_response(shape, version=result.version)
