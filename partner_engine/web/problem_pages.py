"""The page of a refusal: it says what to do next. What no view answers is in ``partner_engine.error_pages``."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def problem_page(request: HttpRequest, *, status: int, title: str, text: str) -> HttpResponse:
    """Return the page of a problem."""
    return render(request, "web/problem.html", {"title": title, "text": text}, status=status)
