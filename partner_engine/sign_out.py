"""The sign-out of users, shared by pages and admin."""

from __future__ import annotations

from django.http import HttpRequest

from partner_engine.active_users import forget_active
from partner_engine.user_sessions import forget_session
from tenants.models import User


def note_sign_out(request: HttpRequest) -> None:
    """Record that the user of ``request``, if any, is no longer active, and the session ended."""
    user = request.user
    if isinstance(user, User):
        forget_active(user.tenant, role=user.role, identity=str(user.pk))
        forget_session(request)
