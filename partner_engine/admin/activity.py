"""The active users of the start page: now, and in each hour of the last day."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS

from partner_engine.active_users import ROLES, Hour, count_active, last_day
from tenants.current_tenant import current_scope
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class ActiveLine:
    """The numbers of active users of one tenant, by role. Staff have a line of their own."""

    tenant: str
    agents: int
    administrators: int
    staff: int
    programs: int

    @property
    def people(self) -> int:
        """Return the number of active people of all roles."""
        return self.agents + self.administrators + self.staff


@dataclass(frozen=True, slots=True)
class Activity:
    """The active users: a line for each active tenant, the hours of the last day, and the data of their chart.

    ``hours`` is empty if Redis is not available.
    """

    lines: tuple[ActiveLine, ...]
    hours: tuple[Hour, ...]
    chart: str

    @property
    def people(self) -> int:
        """Return the number of people who are active now."""
        return sum(line.people for line in self.lines)

    @property
    def programs(self) -> int:
        """Return the number of API clients that are active now."""
        return sum(line.programs for line in self.lines)


def activity() -> Activity:
    """Return the active users of the tenants in scope. Staff belong to the shared database."""
    names = dict(_tenants_in_scope())
    hours = last_day(list(names))
    lines = (
        ActiveLine(names[tenant_id], *(roles.get(role, 0) for role in ROLES))
        for tenant_id, roles in count_active(names).items()
    )
    return Activity(tuple(sorted(lines, key=lambda line: line.tenant)), tuple(hours), _chart(hours))


def _tenants_in_scope() -> Iterator[tuple[UUID | None, str]]:
    """Yield the ids and names of the tenants in scope. The id None stands for staff."""
    scope = current_scope()
    if scope is not None and scope.tenant is not None:
        yield scope.tenant.id, scope.tenant.name
        return
    alias = scope.alias if scope else DEFAULT_DB_ALIAS
    if alias == DEFAULT_DB_ALIAS:
        yield None, "Staff"
    yield from Tenant.objects.filter(database="" if alias == DEFAULT_DB_ALIAS else alias).values_list("pk", "name")


def _chart(hours: list[Hour]) -> str:
    """Return ``hours`` in the format of Chart.js."""
    people = {"label": "People", "data": [hour.people for hour in hours], "borderColor": "var(--color-primary-600)"}
    programs = {"label": "API clients", "data": [hour.programs for hour in hours], "borderColor": "#9ca3af"}
    return json.dumps({"labels": [f"{hour.start:%H:%M}" for hour in hours], "datasets": [people, programs]})
