"""Error responses outside of views: unknown addresses, refused and failed requests.

API callers receive problems, people receive pages.
"""

from __future__ import annotations

import sys
from typing import Final

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from structlog.contextvars import get_contextvars

from partner_engine.error_page import TOO_LARGE, error_page
from partner_engine.error_statuses import RETRY_AFTER
from partner_engine.problems import MEDIA_TYPE, Refused, render

#: The paths that programs call.
FOR_PROGRAMS: Final = ("/api/", "/o/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the 400 response to a malformed request, or the 413 response to one that contains too much."""
    if isinstance(exception, TooManyFieldsSent | TooManyFilesSent | RequestDataTooBig):
        return too_much_sent(request, exception)
    return respond_with_error(request, 400, "bad_request", "The request is malformed.")


def too_much_sent(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the 413 response to a form with more fields or files, or more text, than the product reads."""
    if isinstance(exception, TooManyFieldsSent):
        most = f"{settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:,}"
        text = (
            f"Nothing was changed. The form has more than {most} entries. Go back, choose fewer, and send the others "
            "afterwards."
        )
        return respond_with_error(request, 413, "too_many_fields", text)
    if isinstance(exception, TooManyFilesSent):
        text = "Nothing was changed. There are too many files. Go back and send one at a time."
        return respond_with_error(request, 413, "too_many_files", text)
    return respond_with_error(request, 413, "body_too_large", TOO_LARGE)


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
    return HttpResponse(error_page(status, text, correlation_id=correlation_id), status=status)
