"""The theme of a signed-in user: stored on the account, so that it is the same in every browser."""

from __future__ import annotations

from tenants.models import Theme, User


def store_theme(user: User, name: str) -> bool:
    """Store the theme ``name``; return whether there is such a theme."""
    if name not in Theme.values:
        return False
    User.objects.filter(pk=user.pk).update(theme=name)
    return True
