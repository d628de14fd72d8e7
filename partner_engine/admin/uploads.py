"""The rate limit of uploads in the admin."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse

from partner_engine.error_pages import too_many_requests
from partner_engine.rate_limits import count_request
from tenants.limits.errors import RateLimited
from tenants.limits.scopes import UPLOAD


def counts_uploads(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Count what is sent to a method ``view`` of an admin as an upload, and respond with 429 above the limit. The
    confirmation of a preview is the same upload.
    """

    @wraps(view)
    def respond(admin: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST" and "confirm" not in request.POST:
            try:
                count_request(request, UPLOAD)
            except RateLimited as limited:
                return too_many_requests(request, limited.retry_after)
        return view(admin, request, *args, **kwargs)

    return respond
