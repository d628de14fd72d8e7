"""The page for a refused request. ``partner_engine.error_pages`` responds where no view does."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def problem_page(request: HttpRequest, *, status: int, title: str, text: str) -> HttpResponse:
    """Return a page with the title and the remedy of a problem."""
    return render(request, "web/problem.html", {"title": title, "text": text}, status=status)
