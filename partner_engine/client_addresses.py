"""Who a request comes from, as far as it can be believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest

NAME_LENGTH: Final = 255


def client_address(request: HttpRequest) -> str:
    """Return the client's address: the one that the outermost of our ``TRUSTED_PROXIES`` saw.

    Each proxy appends the address it was called from, so what a client wrote itself stands further left and is not
    looked at.
    """
    proxies = settings.TRUSTED_PROXIES or 0
    told = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    if proxies and len(told) >= proxies:
        return told[-proxies]
    return str(request.META.get("REMOTE_ADDR", ""))


def sign_in_name(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str:
    """Return the name that somebody tries to sign in with, in one spelling: upper case gives no fresh tries."""
    given = credentials.get("username") or credentials.get("email") if credentials else request.POST.get("username")
    # Nobody has a longer name, and the record of failed attempts takes no longer one.
    return str(given or "").strip().lower()[:NAME_LENGTH]
