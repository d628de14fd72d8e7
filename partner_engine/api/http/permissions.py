"""The permission check of endpoints: the caller needs the right that the endpoint requires for the method."""

from __future__ import annotations

from typing import Any

from rest_framework import exceptions, permissions
from rest_framework.request import Request

from tenants.access import Actor


class HasRight(permissions.BasePermission):
    """Allows callers with the required right."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Raise 401 without a caller, and 403 with the name of the missing right."""
        actor: Actor | None = getattr(request, "actor", None)
        if actor is None:
            raise exceptions.NotAuthenticated
        method = "GET" if request.method == "HEAD" else request.method or ""
        if method == "OPTIONS":
            return True
        if method not in view.rights:
            # Fails closed: a method without an entry in ``rights`` is not served.
            raise exceptions.MethodNotAllowed(method)
        right = view.rights[method]
        if right is not None:
            actor.require(right)
        return True
