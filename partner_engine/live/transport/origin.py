"""Which pages may open a socket: ours alone. A browser sends cookies with sockets of any page, and no CSRF token. Pure
but for settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http.request import split_domain_port, validate_host


def headers_of(scope: Mapping[str, Any]) -> dict[str, str]:
    """Return the handshake's headers by name in small letters; of several with one name the last."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def is_our_host(scope: Mapping[str, Any]) -> bool:
    """Tell whether the handshake came to a host of ours (``ALLOWED_HOSTS``)."""
    domain, _ = split_domain_port(headers_of(scope).get("host", ""))
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


def is_our_page(scope: Mapping[str, Any]) -> bool:
    """Tell whether the page that opens the socket is of the host that it comes to, or of ``CSRF_TRUSTED_ORIGINS``."""
    headers = headers_of(scope)
    origin = headers.get("origin", "").lower()
    is_secure = scope.get("scheme") == "wss" or _is_forwarded_secure(headers)
    own = f"{'https' if is_secure else 'http'}://{headers.get('host', '').lower()}"
    return origin == own or origin in settings.CSRF_TRUSTED_ORIGINS


def names_a_page(scope: Mapping[str, Any]) -> bool:
    """Tell whether a page opens the socket at all: programs send no ``Origin``."""
    return "origin" in headers_of(scope)


def _is_forwarded_secure(headers: Mapping[str, str]) -> bool:
    known = settings.SECURE_PROXY_SSL_HEADER
    if known is None:
        return False
    name, value = known
    return headers.get(name.removeprefix("HTTP_").replace("_", "-").lower()) == value
