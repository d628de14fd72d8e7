"""Records that an agent went on at a carrier's own pages."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from actions.registry import Budget, Delivered, PermanentFailure, RetryAfter
from batch import service as batch
from batch.errors import CopyIsDeleted, CopyIsLocked, LockNotAcquired, NotFound, StaleChangeset
from forms.models import Event
from tenants.access import system_actor

BUDGET: Final = Budget(tries=8, first=1.0, most=300.0)
EVENT: Final = "bridged_to_off_platform_carrier"
_WAIT: Final = 2.0


def record_bridge(delivered: Delivered) -> None:
    """Add the event of the bridge to the copy, once. Raises ``RetryAfter`` while the copy is being saved."""
    payload = delivered.payload
    copy_id, bridge_id = UUID(payload["copy_id"]), payload["bridge_id"]
    if Event.objects.filter(copy_id=copy_id, kind=EVENT, details__bridge=bridge_id).exists():
        return
    details = {"bridge": bridge_id, "quote_request": payload["request_id"], "bridged_by": payload["bridged_by"][:500]}
    details |= {name: payload[name] for name in ("carrier", "product", "url")}
    try:
        actor = system_actor("carriers")
        with batch.find_and_lock(copy_id, scope=delivered.tenant, actor=actor, wait=_WAIT) as context:
            context.changeset.events.add(EVENT, details=details)
            context.save()
    except (LockNotAcquired, StaleChangeset) as held:
        raise RetryAfter(1.0, "Another save is using the copy.", counts=False) from held
    except (NotFound, CopyIsDeleted, CopyIsLocked) as closed:
        raise PermanentFailure(str(closed)) from closed
