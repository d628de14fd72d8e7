"""The user of a session: loaded by e-mail address without case, with the tenant in the same query."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.backends import ModelBackend

from tenants.models import User


class EmailBackend(ModelBackend):
    """Django's backend; a wrong address takes as long as a wrong password."""

    def get_user(self, user_id: UUID) -> User | None:
        """Return the active user of a session, None for a deleted or barred one."""
        user = User.objects.select_related("tenant").filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None
