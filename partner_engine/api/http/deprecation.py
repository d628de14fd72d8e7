"""Addresses of older days, kept for those who still call them: they answer as ever, and say when they end and what to
call instead (RFC 9745, RFC 8594).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.utils.http import http_date
from rest_framework.request import Request

from batch import service as batch
from batch.context import BatchContext
from partner_engine.api.answers import DESCRIPTION, Answers
from partner_engine.api.bodies import AnswersChange, DryRunQuery
from partner_engine.api.http.schema import documented
from partner_engine.api.http.writes import Answer, Change, open_for_writing, save
from presentation.shapes import ChangesShape

SINCE: Final = datetime(2026, 11, 1, tzinfo=UTC)
UNTIL: Final = datetime(2027, 11, 1, tzinfo=UTC)


class FormAnswers(Answers):
    """The answers of the copy that a form's or copy's id means."""

    @documented(
        "Change answers of a form",
        "Deprecated: use `PATCH /copies/{id}/answers`. The id is a copy's, or a form's for the copy that a person "
        "touched last. " + DESCRIPTION,
        body=AnswersChange,
        query=DryRunQuery,
        answers={200: ChangesShape},
        write=True,
        tagged=True,
        deprecated=True,
    )
    def patch(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """Change answers."""
        return super().patch(request, *args, **kwargs)

    def find(self, id: UUID) -> BatchContext:
        """Return the copy that the id means."""
        return batch.find(id, scope=self.tenant, actor=self.actor)

    def save(self, id: UUID, change: Change, answer: Answer) -> HttpResponse:
        """Change the copy that the id means and save it."""
        return save(self, open_for_writing(self, id), change=change, answer=answer)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Put the headers of the end on every answer, errors too."""
        response = super().finalize_response(request, response, *args, **kwargs)
        successor = reverse("api:answers", kwargs={"id": self.kwargs["id"]})
        response["Deprecation"] = f"@{int(SINCE.timestamp())}"
        response["Sunset"] = http_date(UNTIL.timestamp())
        response["Link"] = f'<{successor}>; rel="successor-version"'
        return response
