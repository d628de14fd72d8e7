"""Error responses outside of views: unknown addresses, refused and failed requests.

API callers receive problems, people receive pages.
"""

from __future__ import annotations

import sys
from http import HTTPStatus
from typing import Final

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import TemplateDoesNotExist
from django.template.loader import render_to_string
from structlog.contextvars import get_contextvars

from partner_engine.error_statuses import RETRY_AFTER
from partner_engine.problems import MEDIA_TYPE, Refused, render

#: The paths that programs call.
FOR_PROGRAMS: Final = ("/api/", "/o/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the 400 response to a malformed request."""
    return respond_with_error(request, 400, "bad_request", "The request is malformed.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the 403 response to a request without permission."""
    return respond_with_error(request, 403, "permission_denied", "You are not allowed to do this.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Return the 403 response to a write with a missing or outdated CSRF token."""
    return respond_with_error(
        request, 403, "csrf_failed", "The page was open too long or came from another site. Reload it and try again."
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the 404 response to an unknown address."""
    return respond_with_error(request, 404, "not_found", "There is no page or resource at this address.")


def too_many_requests(request: HttpRequest, seconds: int) -> HttpResponse:
    """Return the 429 response to a caller whose limit is reached for ``seconds``."""
    response = respond_with_error(request, 429, "rate_limited", f"Wait {seconds} seconds, then try again.")
    response["Retry-After"] = str(seconds)
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """Return the response to a failed request, without the cause: 503 where the database refused it for the moment (an
    outage, a tenant that has just moved), else 500.
    """
    # Django calls this while it handles the exception.
    if isinstance(sys.exception(), OperationalError):
        response = respond_with_error(
            request, 503, "unavailable", "A required service is unavailable; try again in a moment."
        )
        response["Retry-After"] = str(RETRY_AFTER["unavailable"])
        return response
    return respond_with_error(
        request, 500, "internal_error", "Something went wrong on our side. Give the correlation ID to support."
    )


def respond_with_error(request: HttpRequest, status: int, code: str, text: str) -> HttpResponse:
    """Return an error response: a problem for programs, a page for people."""
    correlation_id = get_contextvars().get("correlation_id", "")
    if request.path.startswith(FOR_PROGRAMS):
        problem = render(Refused(status, code, text), instance=request.path, correlation_id=correlation_id)
        return HttpResponse(problem, status=status, content_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})
    context = {"status": status, "title": HTTPStatus(status).phrase, "text": text, "correlation_id": correlation_id}
    try:
        # Without the request: an error page must work without sessions and databases.
        content: str = render_to_string(f"{status}.html", context)
    except TemplateDoesNotExist:
        content = f"{context['title']}. {text}"
    return HttpResponse(content, status=status)
