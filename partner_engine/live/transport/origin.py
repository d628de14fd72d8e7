"""The origin check of handshakes: only our own pages may open a socket with cookies. Pure except for settings.

A browser sends cookies with the sockets of any page, and no CSRF token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http.request import split_domain_port, validate_host


def headers_of(scope: Mapping[str, Any]) -> dict[str, str]:
    """Return the handshake's headers by lower-case name; the last duplicate wins."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def is_our_host(scope: Mapping[str, Any]) -> bool:
    """Return whether the handshake names one of ``ALLOWED_HOSTS``."""
    domain, _ = split_domain_port(headers_of(scope).get("host", ""))
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


def is_our_page(scope: Mapping[str, Any]) -> bool:
    """Return whether the page that opens the socket is of the same host or one of ``CSRF_TRUSTED_ORIGINS``."""
    headers = headers_of(scope)
    origin = headers.get("origin", "").lower()
    is_secure = scope.get("scheme") == "wss" or _is_forwarded_secure(headers)
    own = f"{'https' if is_secure else 'http'}://{headers.get('host', '').lower()}"
    return origin == own or origin in settings.CSRF_TRUSTED_ORIGINS


def names_a_page(scope: Mapping[str, Any]) -> bool:
    """Return whether a page opens the socket; programs send no ``Origin``."""
    return "origin" in headers_of(scope)


def _is_forwarded_secure(headers: Mapping[str, str]) -> bool:
    proxy_header = settings.SECURE_PROXY_SSL_HEADER
    if proxy_header is None:
        return False
    name, value = proxy_header
    return headers.get(name.removeprefix("HTTP_").replace("_", "-").lower()) == value
