"""``PATCH /application_forms/{id}/answers``: the deprecated route to the answers of a form."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from rest_framework.request import Request

from batch import service as batch
from batch.context import BatchContext
from partner_engine.api.answers import DESCRIPTION, Answers
from partner_engine.api.bodies import AnswersChange, DryRunQuery
from partner_engine.api.http.deprecation import announce_end
from partner_engine.api.http.schema import documented
from partner_engine.api.http.writes import Opener, copy_or_form
from presentation.shapes import ChangesShape, Receipt


class FormAnswers(Answers):
    """The answers of the copy that a form's or copy's id means."""

    @documented(
        "Change answers of a form",
        "Deprecated: use `PATCH /copies/{id}/answers`. The id is that of a copy, or of a form for the copy that a "
        "person changed last. " + DESCRIPTION,
        body=AnswersChange,
        query=DryRunQuery,
        responses={200: (ChangesShape, Receipt)},
        write=True,
        tagged=True,
        deprecated=True,
    )
    def patch(self, request: Request, id: UUID, *, body: AnswersChange, query: DryRunQuery) -> HttpResponse:
        return self.change_answers(id, body, dry_run=query.dry_run)

    def opener(self, id: UUID) -> Opener:
        """Return the opener of the copy that the id means."""
        return copy_or_form(self, id)

    def find(self, id: UUID) -> BatchContext:
        """Return the copy that the id means."""
        return batch.find(id, scope=self.tenant, actor=self.actor)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Add the deprecation headers to every response, errors included."""
        response = super().finalize_response(request, response, *args, **kwargs)
        announce_end(response, successor=reverse("api:answers", kwargs={"id": self.kwargs["id"]}))
        return response
