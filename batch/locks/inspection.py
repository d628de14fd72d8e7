"""The locks of copies that are held now: staff and operators list them and release stuck ones by hand."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import structlog
from django_redis import get_redis_connection

from batch.locks.copy_lock import KIND, copy_lock_name
from redis_locks.fair_lock import lock_name, parts_of_name
from redis_locks.inspection import LockInfo, list_locks, lock_info, release_by_force
from redis_locks.lock_holder import Holder
from tenants.access import Actor

log = structlog.get_logger("partner_engine.audit")


@dataclass(frozen=True, slots=True)
class HeldLock:
    """The lock of one copy that is held, with its state."""

    tenant_id: UUID
    copy_id: UUID
    info: LockInfo

    @property
    def holder(self) -> Holder | None:
        """Return the holder, None where it is unknown."""
        return self.info.holder


def held_lock(tenant_id: UUID, copy_id: UUID) -> HeldLock | None:
    """Return the copy's lock, None while it is free. Raises ``RedisError``."""
    info = lock_info(get_redis_connection("default"), copy_lock_name(tenant_id, copy_id))
    return HeldLock(tenant_id, copy_id, info) if info else None


def list_held_locks() -> list[HeldLock]:
    """Return the locks of copies of all tenants that are held, those held longest first. Raises ``RedisError``.

    Scans all keys of Redis: for staff, not for requests.
    """
    found = list_locks(get_redis_connection("default"), lock_name(KIND, "*"))
    locks = [HeldLock(UUID(tenant), UUID(copy), one) for one in found for tenant, copy in [_ids(one.name)]]
    return sorted(locks, key=lambda lock: lock.holder.since.timestamp() if lock.holder and lock.holder.since else 0)


def release_held_lock(lock: HeldLock, *, actor: Actor) -> bool:
    """Release ``lock`` if its holder is still the same; return whether it was, and record it in the audit log.

    The save that held it still succeeds or is refused as stale: the version decides. Raises ``RedisError``.
    """
    is_released = release_by_force(get_redis_connection("default"), lock.info)
    log.warning(
        "audit.lock_released",
        actor_type=actor.type,
        actor_id=actor.id,
        source=actor.source,
        copy_id=str(lock.copy_id),
        tenant_id=str(lock.tenant_id),
        holder=lock.holder.who if lock.holder else "",
        where=lock.holder.where if lock.holder else "",
        is_released=is_released,
    )
    return is_released


def _ids(name: str) -> tuple[str, str]:
    _, tenant, copy = parts_of_name(name)
    return tenant, copy
