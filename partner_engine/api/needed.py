"""``/copies/{id}/needed``: what is still to be answered or mended."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from partner_engine.api.bodies import ReadQuery
from partner_engine.api.copies import find_copy
from partner_engine.api.http.conditional import version_tag
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.schema import documented
from presentation import shapes
from tenants.access import Right


class Needed(Endpoint):
    """What a copy still needs."""

    rights: ClassVar = {"GET": Right.READ_FORMS}

    @documented(
        "Read what is needed",
        "Paths of answers and rows that are missing or wrong: `quote` before a quote, `bind` before binding. Empty "
        "lists mean that nothing is in the way.",
        query=ReadQuery,
        answers={200: shapes.NeededShape},
        tagged=True,
    )
    def get(self, request: Request, id: UUID) -> HttpResponse:
        """Read what is needed."""
        context = find_copy(self, id, self.query(ReadQuery))
        _, evaluation = context.current_view()
        shape = shapes.NeededShape(
            version=context.version, needed=evaluation.needed, messages=list(evaluation.messages)
        )
        return self.answer_with_tag(shape, version_tag(context.version))
