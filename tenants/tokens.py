"""Whether an access token was revoked since something was begun with it, also after it has expired; old tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from tenants.access import TokenInUse
from tenants.models import ApiClient, RevokedToken

#: No operation is retried or resumed so long after its token expired.
_REVOCATION_RETENTION: Final = timedelta(days=365)


def is_revoked(token: TokenInUse, client: ApiClient) -> bool:
    """Return whether ``token`` of ``client`` was deleted before its time, or ``revoke_tokens`` came after it.

    What was begun with a token may outlive it: one that has merely expired was not revoked.
    """
    if client.tokens_revoked_at is not None and token.expires_at <= client.tokens_revoked_at:
        return True
    return RevokedToken.objects.filter(pk=token.id).exists()


def revoke_tokens(client: ApiClient) -> None:
    """Delete all tokens of ``client``, and stop what was begun with any of them, also with those that expired before.

    Call it in a transaction together with its reason.
    """
    client.tokens_revoked_at = timezone.now()
    client.save(update_fields=["tokens_revoked_at", "updated"])
    get_access_token_model().objects.filter(application=client).delete()


def expired_tokens() -> QuerySet[Any]:
    """Return the expired tokens of all clients. Their deletion revokes nothing that was begun with them."""
    found: QuerySet[Any] = get_access_token_model().objects.filter(expires__lt=Now())
    return found


def old_revocations() -> QuerySet[RevokedToken]:
    """Return the notes of revoked tokens that nothing can ask for any more."""
    return RevokedToken.objects.filter(revoked_at__lt=Now() - _REVOCATION_RETENTION)
