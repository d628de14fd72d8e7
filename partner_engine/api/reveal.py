"""``/copies/{id}/reveal``: one sensitive answer in the clear, for who has the right and gives a reason."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request

from batch.reveal import reveal
from partner_engine.api.bodies import NoQuery, ReadQuery, RevealInput
from partner_engine.api.copies import find_copy
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.schema import documented
from tenants.access import Right


class Revealed(msgspec.Struct, frozen=True):
    """A sensitive answer in the clear."""

    path: str
    value: str | float | bool | list[str] | None


class Reveal(Endpoint):
    """A sensitive answer of a copy."""

    rights: ClassVar = {"POST": Right.REVEAL_SENSITIVE}

    @documented(
        "Reveal a sensitive answer",
        "Gives the value of one `spi` answer in the clear. Who read it, when and for which `reason` is recorded first. "
        "The answer is never stored, so an `Idempotency-Key` has no use here.",
        body=RevealInput,
        query=NoQuery,
        answers={200: Revealed},
        write=True,
        keyed=False,
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Reveal."""
        self.query()
        body = self.body(RevealInput)
        find_copy(self, id, ReadQuery())
        value = reveal(id, body.path, scope=self.tenant, actor=self.actor, reason=body.reason)
        return self.answer(Revealed(body.path, value))
