"""Reads of link settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from carriers.link_models import CarrierLink
from carriers.links.errors import LinkDisabled, LinkMissing
from carriers.links.link import Link, LinkMode
from carriers.links.link_secrets import callback_secrets, opened_secret
from carriers.models import Carrier
from tenants.models import Tenant

#: The pace of a carrier whose draft is gone and whose settings state none.
_PER_MINUTE: Final = 60


def find_link(catalogue: str, carrier: str, *, tenant: Tenant) -> Link:
    """Return the link of ``carrier``: the tenant's own settings, else those of all tenants.

    Raises ``LinkMissing``, ``LinkDisabled`` or ``LinkSecretUnreadable``.
    """
    rows = CarrierLink.objects.filter(_visible_to(tenant), catalogue=catalogue, carrier=carrier)
    row = _own_first(rows)
    if row is None:
        raise LinkMissing(catalogue, carrier)
    if not row.is_enabled:
        raise LinkDisabled(catalogue, carrier)
    return link_of(row)


def portal_of(catalogue: str, carrier: str, *, tenant: Tenant) -> str:
    """Return the address of the carrier's own pages, "" if it has none. The tenant's own settings come first."""
    row = _own_first(CarrierLink.objects.filter(_visible_to(tenant), catalogue=catalogue, carrier=carrier))
    return row.portal_url if row is not None and row.is_enabled else ""


def link_with_id(link_id: UUID, *, tenant: Tenant) -> Link | None:
    """Return the link with this id if it is the tenant's own or one of all tenants, also while it is turned off.

    Raises ``LinkSecretUnreadable``.
    """
    row = CarrierLink.objects.filter(_visible_to(tenant), pk=link_id).first()
    return link_of(row) if row is not None else None


def link_of(row: CarrierLink) -> Link:
    """Return the link of settings, completed from the carrier's draft. Raises ``LinkSecretUnreadable``."""
    carrier = Carrier.objects.filter(catalogue=row.catalogue, code=row.carrier).first()
    mode = row.mode or (carrier.link_mode if carrier else LinkMode.SYNC)
    return Link(
        id=row.pk,
        catalogue=row.catalogue,
        carrier=row.carrier,
        tenant_id=row.tenant_id,
        mode=LinkMode(mode),
        base_url=row.base_url,
        is_simulator=row.is_simulator,
        client_id=row.client_id,
        client_secret=opened_secret(row, "client_secret"),
        callback_secrets=callback_secrets(row, now=timezone.now()),
        per_minute=max(row.per_minute or (carrier.per_minute if carrier else _PER_MINUTE), 1),
        timeout_seconds=row.timeout_seconds,
        connect_seconds=row.connect_seconds,
        slow_seconds=row.slow_seconds,
        most_in_flight=row.most_in_flight,
        p50_seconds=carrier.p50_seconds if carrier else 1.0,
        p95_seconds=carrier.p95_seconds if carrier else 1.0,
    )


def _visible_to(tenant: Tenant) -> Q:
    return Q(tenant=tenant) | Q(tenant=None)


def _own_first(rows: Iterable[CarrierLink]) -> CarrierLink | None:
    return min(rows, key=lambda row: row.tenant_id is None, default=None)
