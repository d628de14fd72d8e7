"""Recounts active users: every hour, tenant by tenant."""

from __future__ import annotations

from redis.exceptions import RedisError

from actions.kinds import RecountActiveUsers
from actions.maintenance import register_chore
from actions.registry import Budget, Delivered, RetryAfter, register
from partner_engine.active_users import recount_active

#: The next hour asks again.
_BUDGET = Budget(tries=8)


def recount_active_users(action: Delivered) -> None:
    """Recount the tenant's active users; twice is as once."""
    try:
        recount_active(action.tenant)
    except RedisError as error:
        raise RetryAfter(60.0, "Redis is away.") from error


def register_handlers() -> None:
    """Tell the relay who does this kind, and register it as a chore. Raises ``RegisteredTwice``."""
    register(RecountActiveUsers, recount_active_users, budget=_BUDGET)
    register_chore(lambda tenant: RecountActiveUsers(tenant_id=str(tenant.pk)))
