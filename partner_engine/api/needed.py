"""``/copies/{id}/needed``: the answers that are missing or need fixing."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from batch.context import BatchContext
from partner_engine.api.bodies import ReadQuery
from partner_engine.api.copies import respond_to_read
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.schema import documented
from partner_engine.copy_visibility import visibility_of
from presentation import shapes
from presentation.needed_counts import needed_counts
from tenants.access import Right


class Needed(Endpoint):
    """The answers that a copy still needs."""

    rights: ClassVar = {"GET": Right.READ_FORMS}

    @documented(
        "Read what is needed",
        "Paths of answers and rows that are missing or invalid: `quote` before a quote, `bind` before binding. Empty "
        "lists mean that nothing is missing. `needed_counts` also counts the paths that outcomes (`decide`) and "
        "premiums (`price`) of products depend on.",
        query=ReadQuery,
        responses={200: shapes.NeededShape, 304: None},
        tagged=True,
    )
    def get(self, request: Request, id: UUID, *, query: ReadQuery) -> HttpResponse:
        return respond_to_read(self, id, query, self._shape)

    def _shape(self, context: BatchContext) -> shapes.NeededShape:
        changeset, evaluation = context.current_view()
        return shapes.NeededShape(
            version=context.version,
            needed=evaluation.needed,
            needed_counts=needed_counts(evaluation),
            messages=visibility_of(context, actor=self.actor).messages(evaluation.messages, lambda: changeset.document),
        )
