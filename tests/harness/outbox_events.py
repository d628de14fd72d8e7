"""The webhook events of saves, in a tenant's outbox."""

from __future__ import annotations

from typing import Any

from actions.models import OutboxAction
from tenants.current_tenant import use_tenant
from tenants.models import Tenant


def published_events(tenant: Tenant, family: str) -> list[tuple[str, int, dict[str, Any]]]:
    """Return type, version and data of the events of ``family``, in order."""
    with use_tenant(tenant):
        found = OutboxAction.objects.filter(kind="publish_webhook").order_by("id").values_list("payload", flat=True)
        return [
            (told["event_type"], told["version"], told["data"])
            for told in found
            if told["event_type"].startswith(f"{family}.")
        ]
