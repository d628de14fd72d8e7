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
