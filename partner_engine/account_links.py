"""Links by which people choose a password: one-time, short-lived, and worthless after any change of the password.

A link holds no state of its own: its token is an HMAC of the account as it is (Django's generator), so a used one no
longer fits. A reset is valid for an hour, an invitation for seven days.
"""

from __future__ import annotations

from typing import Final

from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import base36_to_int, urlsafe_base64_encode

from tenants.models import User

RESET_SECONDS: Final = 3_600
INVITATION_SECONDS: Final = 7 * 24 * 3_600


class LinkTokens(PasswordResetTokenGenerator):
    """The tokens of one purpose, valid for ``seconds``; those of another purpose do not fit."""

    def __init__(self, purpose: str, seconds: int) -> None:
        super().__init__()
        self.key_salt = f"partner_engine.account_links.{purpose}"
        self._seconds = seconds

    def check_token(self, user: User | None, token: str | None) -> bool:
        """Return whether ``token`` is one of ``user``, unused and not expired."""
        if user is None or not token or not super().check_token(user, token):
            return False
        made_at = base36_to_int(token.partition("-")[0])
        return self._num_seconds(self._now()) - made_at <= self._seconds

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        # Also worthless after all sessions of the user were ended.
        return f"{super()._make_hash_value(user, timestamp)}{user.session_generation}"


RESET_TOKENS: Final = LinkTokens("reset", RESET_SECONDS)
INVITATION_TOKENS: Final = LinkTokens("invitation", INVITATION_SECONDS)


def reset_path(user: User) -> str:
    """Return the path of a new link to choose another password."""
    return reverse("web:set-password", args=(_name(user), RESET_TOKENS.make_token(user)))


def invitation_path(user: User) -> str:
    """Return the path of a new link to choose the first password."""
    return reverse("web:accept-invitation", args=(_name(user), INVITATION_TOKENS.make_token(user)))


def _name(user: User) -> str:
    return urlsafe_base64_encode(force_bytes(str(user.pk)))
