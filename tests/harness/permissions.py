"""Producer licenses and carrier appointments of a tenant."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from quoting.models import CarrierAppointment, ProducerLicense
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

_SINCE: Final = date(2020, 1, 1)


def license_in(tenant: Tenant, state: str, **fields: Any) -> ProducerLicense:
    """Store a license of ``tenant`` for ``state``: for all lines, without end, unless ``fields`` say otherwise."""
    with use_tenant(tenant):
        row: ProducerLicense = ProducerLicense.objects.create(
            tenant_id=tenant.id, state=state, **{"number": f"{state}-1", "valid_from": _SINCE, **fields}
        )
        return row


def appoint(tenant: Tenant, carrier: str, **fields: Any) -> CarrierAppointment:
    """Store an appointment of ``tenant`` by ``carrier``: for everything, without end, unless ``fields`` say so."""
    with use_tenant(tenant):
        row: CarrierAppointment = CarrierAppointment.objects.create(
            tenant_id=tenant.id, carrier=carrier, **{"producer_code": f"{carrier}-1", "valid_from": _SINCE, **fields}
        )
        return row
