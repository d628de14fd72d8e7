"""The middleware of sessions and messages, which requests of programs pass by.

A request with credentials in a header and without a cookie has no session, so no user, no second factor and no message:
the middleware would find that out anew for each request. The response is the same.
"""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.utils.cache import patch_vary_headers
from django_otp.middleware import OTPMiddleware

_API: Final = "/api/"


def is_of_program(request: HttpRequest) -> bool:
    """Return whether ``request`` is for the API, with credentials in a header and without any cookie."""
    sent = request.META
    return request.path_info.startswith(_API) and "HTTP_AUTHORIZATION" in sent and not sent.get("HTTP_COOKIE")


class Sessions(SessionMiddleware):
    """Loads the session of a request; one of a program has none."""

    def __call__(self, request: HttpRequest) -> Any:
        """Process ``request``."""
        if not is_of_program(request):
            return super().__call__(request)
        response: Any = self.get_response(request)
        # With a cookie there might be another response.
        patch_vary_headers(response, ("Cookie",))
        return response


class SessionUsers(AuthenticationMiddleware):
    """Sets the user of the session; a program is nobody here, its token is read by the API."""

    def __call__(self, request: HttpRequest) -> Any:
        """Process ``request``."""
        if not is_of_program(request):
            return super().__call__(request)
        request.user = AnonymousUser()
        return self.get_response(request)


class SecondFactors(OTPMiddleware):
    """Notes the second factor of the user of a session."""

    def __call__(self, request: HttpRequest) -> Any:
        """Process ``request``."""
        return self.get_response(request) if is_of_program(request) else super().__call__(request)


class Messages(MessageMiddleware):
    """Loads and stores the messages for the next page of a person."""

    def __call__(self, request: HttpRequest) -> Any:
        """Process ``request``."""
        return self.get_response(request) if is_of_program(request) else super().__call__(request)
