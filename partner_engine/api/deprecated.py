"""Addresses of older days, kept for those who still call them: they answer as ever, and say when they end and what to
call instead (RFC 9745, RFC 8594).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from django.http import HttpResponse
from django.urls import reverse
from django.utils.http import http_date
from rest_framework.request import Request

from partner_engine.api.answers import DESCRIPTION, Answers
from partner_engine.api.bodies import AnswersChange, DryRunQuery
from partner_engine.api.schema import documented
from partner_engine.api.shapes import ChangesShape

SINCE: Final = datetime(2026, 11, 1, tzinfo=UTC)
UNTIL: Final = datetime(2027, 11, 1, tzinfo=UTC)


class FormAnswers(Answers):
    """The answers of the copy that a form's or copy's id means."""

    fuzzy: ClassVar = True

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

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Put the headers of the end on every answer, errors too."""
        response = super().finalize_response(request, response, *args, **kwargs)
        successor = reverse("api:answers", kwargs={"id": self.kwargs["id"]})
        response["Deprecation"] = f"@{int(SINCE.timestamp())}"
        response["Sunset"] = http_date(UNTIL.timestamp())
        response["Link"] = f'<{successor}>; rel="successor-version"'
        return response
