"""Webhook secrets and the headers of the Standard Webhooks specification, signed by its reference library."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from standardwebhooks import Webhook

from encryption.tenant_secrets import open_sealed, seal
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from webhooks.models import WebhookEndpoint

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
_PURPOSE: Final = "webhook"


def new_secret() -> str:
    """Return a new secret in the partners' format: ``whsec_`` and 32 random bytes in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def seal_secret(secret: str, endpoint: WebhookEndpoint) -> bytes:
    """Return ``secret`` encrypted, as stored at ``endpoint``."""
    return seal(secret, tenant_id=endpoint.tenant_id, purpose=_PURPOSE, owner=endpoint.id)


def active_secrets(endpoint: WebhookEndpoint, *, now: datetime) -> list[str]:
    """Return the secrets that sign now: the current one and, during a rotation, the previous one.

    Raises ``DecryptionFailed``.
    """
    sealed = [endpoint.secret]
    if endpoint.previous_secret is not None and endpoint.previous_secret_until and endpoint.previous_secret_until > now:
        sealed.append(endpoint.previous_secret)
    return [
        open_sealed(bytes(found), tenant_id=endpoint.tenant_id, purpose=_PURPOSE, owner=endpoint.id) for found in sealed
    ]


def seal_secrets_anew(tenant: Tenant, *, dry_run: bool = False) -> int:
    """Seal the webhook secrets of the tenant under the newest master key; return the number of endpoints.

    A secret that is rotated meanwhile is left: it was sealed under that key. Raises ``DecryptionFailed``.
    """
    with use_tenant(tenant):
        endpoints = list(WebhookEndpoint.objects.order_by("pk"))
        for endpoint in () if dry_run else endpoints:
            for column in ("secret", "previous_secret"):
                sealed = getattr(endpoint, column)
                if sealed is not None:
                    plain = open_sealed(bytes(sealed), tenant_id=tenant.id, purpose=_PURPOSE, owner=endpoint.id)
                    same = WebhookEndpoint.objects.filter(pk=endpoint.pk, **{column: sealed})
                    same.update(**{column: seal_secret(plain, endpoint)})
    return len(endpoints)


def message_id(payload_id: UUID) -> str:
    """Return the ``webhook-id`` of an event: the same for every endpoint, attempt and replay."""
    return f"msg_{payload_id.hex}"


def signed_headers(payload_id: UUID, body: str, *, secrets: Sequence[str], now: datetime) -> dict[str, str]:
    """Return the headers of one attempt at ``now``: id, timestamp, and one signature per secret."""
    identity = message_id(payload_id)
    return {
        "webhook-id": identity,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(identity, now, body) for secret in secrets),
    }
