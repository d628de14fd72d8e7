"""Pages for what cannot be shown: not found, refused, broken. They say what to do next and never why in the program's words."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from structlog.contextvars import get_contextvars


def problem_page(request: HttpRequest, *, status: int, title: str, text: str) -> HttpResponse:
    """Return the page of a problem, with the correlation id to tell support."""
    shown = {"title": title, "text": text, "correlation_id": get_contextvars().get("correlation_id", "") if status >= 500 else ""}
    return render(request, "web/problem.html", shown, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400."""
    return problem_page(request, status=400, title="This request cannot be read", text="Go back, load the page again and repeat what you did.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403."""
    return problem_page(request, status=403, title="You may not see this", text="Ask your administrator for the right, or sign in as somebody else.")


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer 403 to a form whose token does not fit the session."""
    text = "The page was open for too long, or in two sign-ins at once. Load it again and repeat what you did."
    return problem_page(request, status=403, title="This page is out of date", text=text)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404."""
    return problem_page(request, status=404, title="There is nothing here", text="The address is wrong, or what was here is gone.")


def broken(request: HttpRequest) -> HttpResponse:
    """Answer 500."""
    text = "Something went wrong on our side, and it is noted. What was shown as saved is saved. Try again in a moment."
    return problem_page(request, status=500, title="This did not work", text=text)
