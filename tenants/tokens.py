"""Whether an access token was revoked since something was begun with it."""

from __future__ import annotations

from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from tenants.access import TokenInUse


def is_revoked(token: TokenInUse) -> bool:
    """Return whether ``token`` was deleted before its time. What was begun with it may outlive it: one that has merely
    expired was not revoked.
    """
    return token.expires_at > timezone.now() and not get_access_token_model().objects.filter(pk=token.id).exists()
