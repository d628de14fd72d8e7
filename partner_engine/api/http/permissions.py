"""Who may come in: callers with the right that an endpoint names for the method."""

from __future__ import annotations

from typing import Any

from rest_framework import exceptions, permissions
from rest_framework.request import Request

from tenants.access import Actor


class HasRight(permissions.BasePermission):
    """Lets a caller in who has the right that the endpoint names for the method."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Raise 401 for nobody and 403, naming the right, for somebody without it."""
        actor: Actor | None = getattr(request, "actor", None)
        if actor is None:
            raise exceptions.NotAuthenticated
        method = "GET" if request.method == "HEAD" else request.method or ""
        if method == "OPTIONS":
            return True
        if method not in view.rights:
            # Fails closed: a method that was written without saying who may call it is not served.
            raise exceptions.MethodNotAllowed(method)
        right = view.rights[method]
        if right is not None:
            actor.require(right)
        return True
