"""``/copies/{id}/compare``: what differs between copies or versions, and what the differences cost."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from partner_engine.api.bodies import CompareQuery
from partner_engine.api.compare_shapes import ComparisonShape, comparison_shape
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.schema import documented
from partner_engine.comparisons import Reference, WrongReference, load_comparison, read_references
from partner_engine.problems import Refused
from tenants.access import Right


class Compare(Endpoint):
    """Comparisons of copies."""

    rights: ClassVar = {"GET": Right.READ_FORMS}

    @documented(
        "Compare copies",
        "Compares the copy with one to three others (`with=<copy id>,<copy id>@<version>`), also of other forms: "
        "outcome and premium of every product, and the questions and rows that differ. The difference of a premium is "
        "split among the changed answers: their Shapley values, exact for up to ten changes that act together, from a "
        "sample with its error beyond. Rows are matched by id, lineage, then key fields; their order has no meaning. "
        "Sealed and masked answers are compared by author and time, never by value.",
        query=CompareQuery,
        responses={200: ComparisonShape},
    )
    def get(self, request: Request, id: UUID, *, query: CompareQuery) -> HttpResponse:
        try:
            others = read_references([query.with_])
            loaded = load_comparison([Reference(id, query.version), *others], scope=self.tenant, actor=self.actor)
        except WrongReference as error:
            raise Refused.parameter("with", str(error)) from error
        shape = comparison_shape(loaded.comparison)
        loaded.note_reads()
        return self.respond(shape)
