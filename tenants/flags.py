"""The feature flags that the product asks for, and the question whether somebody gets a feature now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tenants.access import Actor
from tenants.flag_rules import NO_FLAG, Owner, Verdict, explain
from tenants.models import Flag, Tenant, User

COPIES: Final = "copies"
BATCH_OPERATIONS: Final = "batch_operations"
#: Each flag with what is on with it. A flag that is not stored is off.
FLAGS: Final[Mapping[str, str]] = {
    COPIES: "Make new copies of application forms, to compare scenarios.",
    BATCH_OPERATIONS: "Run operations over many application forms; switched off, running ones pause.",
}


def explain_flag(name: str, *, actor: Actor, tenant: Tenant) -> Verdict:
    """Return whether ``actor`` of ``tenant`` gets the feature ``name`` now, and why; true if they do."""
    state = Flag.memory.find(name)
    if state is None:
        return NO_FLAG
    groups: frozenset[int] = frozenset()
    if state.allowed_groups and actor.type == "user":
        groups = frozenset(User.groups.through.objects.filter(user_id=actor.id).values_list("group_id", flat=True))
    return explain(state, Owner(id=actor.id, tenant_id=tenant.id, groups=groups))
