"""Responds to forms with too many fields, or too much text, before any middleware or page reads them.

Django refuses to read them at all; people get the page that says what to do.
"""

from __future__ import annotations

from typing import Any, Final

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

from partner_engine.error_pages import too_much_sent

_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")


class FormLimitMiddleware(MiddlewareMixin):
    """Reads the form of a page before the check of its token does. Programs are refused by the readers of bodies."""

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Return the refusal of a form beyond the limits, None for all others."""
        is_form = request.method == "POST" and request.content_type in _FORMS
        if not is_form or getattr(view, "csrf_exempt", False):
            return None
        try:
            request.POST  # noqa: B018 - reads the form
        except (TooManyFieldsSent, TooManyFilesSent, RequestDataTooBig) as error:
            # Every later reader gets an empty form.
            request._mark_post_parse_error()  # type: ignore[attr-defined]
            return too_much_sent(request, error)
        return None
