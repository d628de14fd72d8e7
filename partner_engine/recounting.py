"""Recounts active users: for ``RecountActiveUsers``, and of all tenants with the hourly upkeep."""

from __future__ import annotations

import structlog
from django.db import DEFAULT_DB_ALIAS
from redis.exceptions import RedisError

from actions.kinds import RecountActiveUsers
from actions.registry import Delivered, register
from actions.upkeep import register_upkeep
from tenants.active_users import recount_active
from tenants.models import Tenant

log = structlog.get_logger(__name__)


def recount_active_users(action: Delivered) -> None:
    """Recount the tenant's active users; twice is as once."""
    recount_active(action.tenant)


def recount_all(alias: str) -> int:
    """Recount the active users of every tenant in the database ``alias``; return how many were taken away."""
    try:
        tenants = Tenant.objects.filter(database="" if alias == DEFAULT_DB_ALIAS else alias)
        return sum(recount_active(tenant) for tenant in tenants)
    except RedisError as error:
        # The counts run out by themselves.
        log.info("active_users_not_recounted", reason=type(error).__name__)
        return 0


def register_handlers() -> None:
    """Tell the relay who does this kind, and register the upkeep. Raises ``RegisteredTwice``."""
    register(RecountActiveUsers, recount_active_users)
    register_upkeep("active users", recount_all)
