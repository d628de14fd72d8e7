"""What the relay does for ``RecountActiveUsers``."""

from __future__ import annotations

from actions.kinds import RecountActiveUsers
from actions.registry import Delivered, register
from tenants.active_users import recount_active


def recount_active_users(action: Delivered) -> None:
    """Recount the tenant's active users; twice is as once."""
    recount_active(action.tenant)


def register_handlers() -> None:
    """Tell the relay who does this kind. Raises ``RegisteredTwice``."""
    register(RecountActiveUsers, recount_active_users)
