"""``POST /copies/{id}/confirmations``: confirm an answer in spite of a warning."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from batch.changes.records import SaveResult
from batch.confirmation import confirm
from batch.context import BatchContext
from batch.idempotency import StoredResponse
from copies.paths import lower_row_ids
from partner_engine.api.bodies import ConfirmationInput
from partner_engine.api.copy_response import saved_changes
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.field_errors import errors_of_field
from partner_engine.api.http.schema import documented
from partner_engine.api.http.writes import json_response, save_copy
from presentation import shapes
from tenants.access import Right


class Confirmations(Endpoint):
    """The confirmed warnings of one copy."""

    rights: ClassVar = {"POST": Right.WRITE_FORMS}

    @documented(
        "Confirm a warning",
        "Confirms that the answer at `path` is right in spite of the warning `code`, a message of kind `warn` that a "
        "validator gives (`zip_unknown`, `vin_check_digit`). Send it only when a person has looked at the answer. The "
        "warning disappears until the value changes; history names the caller. The code `proposed` takes over the "
        "value that a renewal proposes as the caller's answer. Without such a warning or proposal: 422 "
        "`nothing_to_confirm`.",
        body=ConfirmationInput,
        responses={200: (shapes.ChangesShape, shapes.Receipt)},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID, *, body: ConfirmationInput) -> HttpResponse:
        def change(context: BatchContext) -> None:
            with errors_of_field("/path"):
                confirm(context, lower_row_ids(body.path), body.code)

        return save_copy(self, id, change=change, respond=_respond)


def _respond(context: BatchContext, result: SaveResult, value: None) -> StoredResponse:
    return json_response(saved_changes(context, result), version=result.version)
