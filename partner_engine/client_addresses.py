"""The trustworthy address and sign-in name of a request's client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest

NAME_LENGTH: Final = 255


def client_address(request: HttpRequest) -> str:
    """Return the client's address as the outermost of our ``TRUSTED_PROXIES`` saw it.

    Each proxy appends the address of its caller, so values that the client sent itself are further left and ignored.
    """
    return address_of(request.META)


def address_of(meta: Mapping[str, Any]) -> str:
    """Return the client's address of a request with these environment variables, as ``client_address`` does."""
    proxies = settings.TRUSTED_PROXIES or 0
    forwarded = [part.strip() for part in meta.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    if proxies and len(forwarded) >= proxies:
        return forwarded[-proxies]
    return str(meta.get("REMOTE_ADDR", ""))


def sign_in_name(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str:
    """Return the submitted sign-in name in lower case, so that another spelling gives no new attempts."""
    name = credentials.get("username") or credentials.get("email") if credentials else request.POST.get("username")
    # No user has a longer name, and the table of failed attempts has no room for one.
    return str(name or "").strip().lower()[:NAME_LENGTH]
