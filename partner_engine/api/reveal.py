"""``/copies/{id}/reveal``: read one sensitive answer unmasked, with a right, a purpose and a reason."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request

from batch.reveal import RevealReason, reveal
from copies.paths import lower_row_ids
from partner_engine.api.bodies import ReadQuery, RevealInput
from partner_engine.api.copies import find_copy
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.field_errors import errors_of_field
from partner_engine.api.http.schema import documented
from tenants.access import Right


class Revealed(msgspec.Struct, frozen=True):
    """The unmasked value of a sensitive answer."""

    path: str
    value: str | float | bool | list[str] | None


class Reveal(Endpoint):
    """The revealing of a copy's sensitive answers."""

    rights: ClassVar = {"POST": Right.REVEAL_SENSITIVE}

    @documented(
        "Reveal a sensitive answer",
        "Returns the unmasked value of one `spi` answer. The reader, the time, the `purpose` and the `reason` are "
        "recorded first. The response is never stored, so an `Idempotency-Key` is refused.",
        body=RevealInput,
        responses={200: Revealed},
        write=True,
        keyed=False,
    )
    def post(self, request: Request, id: UUID, *, body: RevealInput) -> HttpResponse:
        find_copy(self, id, ReadQuery())
        path = lower_row_ids(body.path)
        with errors_of_field("/reason"):
            reason = RevealReason.checked(purpose=body.purpose, text=body.reason)
        value = reveal(id, path, scope=self.tenant, actor=self.actor, reason=reason)
        return self.respond(Revealed(path, value))
