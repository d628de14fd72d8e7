"""What every door does when somebody signs out."""

from __future__ import annotations

from django.http import HttpRequest

from partner_engine.active_users import forget_active
from tenants.models import User


def note_sign_out(request: HttpRequest) -> None:
    """Count the user of ``request``, if there is one, as active no longer."""
    user = request.user
    if isinstance(user, User):
        forget_active(user.tenant, role=user.role, identity=str(user.pk))
