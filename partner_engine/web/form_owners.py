"""The owners of forms: people of the tenant by id, and in the order of their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from copies.models import Copy
from partner_engine.web.access import Agent
from partner_engine.web.pages.forms_list import Owner
from tenants.models import User

#: The people that the filter by owner offers.
_MOST_PEOPLE: Final = 200


def people_of(agent: Agent, rows: Sequence[Any]) -> Mapping[UUID, User]:
    """Return the people of the tenant by id: the possible owners of forms, and the owners of ``rows``."""
    users = User.objects.filter(tenant=agent.tenant).order_by("full_name", "email")
    known = {user.pk: user for user in users[:_MOST_PEOPLE]}
    missing = {row.owner_id for row in rows if row.owner_id} - known.keys()
    return known | ({user.pk: user for user in users.filter(pk__in=missing)} if missing else {})


def list_owners(agent: Agent, *, descending: bool = False) -> list[UUID | None]:
    """Return the ids of all owners of the tenant's copies in the order of their names; removed users and None, for
    copies without an owner, come last in either direction.
    """
    ids = set(Copy.objects.order_by().values_list("owner_id", flat=True).distinct()) - {None}
    users = User.objects.filter(tenant=agent.tenant, pk__in=ids)
    named = sorted(users, key=lambda user: (user.display_name.casefold(), user.pk), reverse=descending)
    removed = sorted(ids - {user.pk for user in named})
    return [*(user.pk for user in named), *removed, None]


def build_owner(user: User | None, agent: Agent) -> Owner | None:
    """Return the owner as lists show them."""
    if user is None:
        return None
    return Owner(user.initials, user.display_name, user.pk == agent.user.pk)
