"""The secrets of link settings: encrypted in storage, bound to their row and purpose, with a rotation of the callback
secret. Secrets of links of all tenants belong to no tenant.
"""

from __future__ import annotations

import base64
import secrets
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from carriers.link_models import CarrierLink
from carriers.links.errors import LinkSecretUnreadable
from encryption.envelope import DecryptionFailed
from encryption.tenant_secrets import open_sealed, seal
from tenants.models import Tenant

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
#: How long the previous callback secret is accepted after a rotation.
ROTATION: Final = timedelta(hours=24)
COLUMNS: Final = ("client_secret", "callback_secret", "previous_callback_secret")
_NO_TENANT: Final = UUID(int=0)


def new_callback_secret() -> str:
    """Return a new secret in the format of Standard Webhooks: ``whsec_`` and 32 random bytes in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def set_secret(row: CarrierLink, column: str, text: str) -> None:
    """Set a secret of ``row``, which the caller stores."""
    setattr(row, column, seal(text, tenant_id=_tenant(row), purpose=_purpose(column), owner=row.pk))


def rotate_callback_secret(row: CarrierLink, text: str) -> None:
    """Set a new callback secret of ``row``, which the caller stores; the present one stays valid for 24 hours."""
    if row.callback_secret:
        row.previous_callback_secret = row.callback_secret
        row.previous_callback_secret_until = timezone.now() + ROTATION
    set_secret(row, "callback_secret", text)


def opened_secret(row: CarrierLink, column: str) -> str:
    """Return a secret of ``row``, "" if it has none. Raises ``LinkSecretUnreadable``."""
    sealed = getattr(row, column)
    if not sealed:
        return ""
    try:
        return open_sealed(bytes(sealed), tenant_id=_tenant(row), purpose=_purpose(column), owner=row.pk)
    except DecryptionFailed as error:
        raise LinkSecretUnreadable(row.carrier) from error


def callback_secrets(row: CarrierLink, *, now: datetime) -> tuple[str, ...]:
    """Return the secrets that may sign callbacks at ``now``. Raises ``LinkSecretUnreadable``."""
    until = row.previous_callback_secret_until
    columns = ["callback_secret", *["previous_callback_secret"] * bool(until and until > now)]
    return tuple(text for column in columns if (text := opened_secret(row, column)))


def seal_link_secrets_anew(tenant: Tenant, *, dry_run: bool = False) -> int:
    """Seal the secrets of the tenant's own links and of those of all tenants under the newest master key; return the
    number of the former.

    A secret that is changed meanwhile is left: it was sealed under that key. Raises ``LinkSecretUnreadable``.
    """
    rows = list(CarrierLink.objects.filter(Q(tenant=tenant) | Q(tenant=None)))
    for row in () if dry_run else rows:
        for column in COLUMNS:
            sealed = getattr(row, column)
            if sealed:
                set_secret(row, column, opened_secret(row, column))
                same = CarrierLink.objects.filter(pk=row.pk, **{column: sealed})
                same.update(**{column: getattr(row, column)})
    return sum(row.tenant_id is not None for row in rows)


def _purpose(column: str) -> str:
    # Both callback secrets have one purpose, so that a rotation moves the stored bytes.
    return "carrier callback" if column.endswith("callback_secret") else "carrier client"


def _tenant(row: CarrierLink) -> UUID:
    tenant_id: UUID | None = row.tenant_id
    return tenant_id or _NO_TENANT
