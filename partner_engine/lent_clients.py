"""API clients that another face of this process speaks for: it has checked the token, and lends the API the client with
the rights of one order. Only code of this process can put them into a request: no header does.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest

from tenants.access import Actor
from tenants.models import ApiClient

_KEY: Final = "partner_engine.lent_client"


@dataclass(frozen=True, kw_only=True, slots=True)
class LentClient:
    """A client, and what it may do in this request."""

    client: ApiClient
    actor: Actor


def lend(scope: MutableMapping[str, Any], lent: LentClient) -> None:
    """Put ``lent`` into the ASGI ``scope`` of a request inside of this process."""
    scope[_KEY] = lent


def lent_client(request: HttpRequest) -> LentClient | None:
    """Return the client that another face lends to ``request``, None for a request from outside."""
    scope: MutableMapping[str, Any] = getattr(request, "scope", {})
    lent: LentClient | None = scope.get(_KEY)
    return lent
