"""The start page's part on people: who is at work now, and how many were in each hour of the last day."""

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
    """A tenant with how many are active there now, people by role too; staff stand in a line of their own."""

    tenant: str
    agents: int
    administrators: int
    staff: int
    programs: int

    @property
    def people(self) -> int:
        """Return how many people are active, whatever their role."""
        return self.agents + self.administrators + self.staff


@dataclass(frozen=True, slots=True)
class Activity:
    """Who is active: a line for each tenant with somebody, the hours of the last day, and these as a chart's data.

    ``hours`` is empty while Redis is away.
    """

    lines: tuple[ActiveLine, ...]
    hours: tuple[Hour, ...]
    chart: str

    @property
    def people(self) -> int:
        """Return how many people are active now."""
        return sum(line.people for line in self.lines)

    @property
    def programs(self) -> int:
        """Return how many API clients are active now."""
        return sum(line.programs for line in self.lines)


def activity() -> Activity:
    """Return who is active at the tenants that staff look at; staff themselves belong to the shared database."""
    names = dict(_looked_at())
    hours = last_day(list(names))
    lines = (
        ActiveLine(names[tenant_id], *(roles.get(role, 0) for role in ROLES))
        for tenant_id, roles in count_active(names).items()
    )
    return Activity(tuple(sorted(lines, key=lambda line: line.tenant)), tuple(hours), _chart(hours))


def _looked_at() -> Iterator[tuple[UUID | None, str]]:
    """Yield the tenants of the scope with their names; None is the staff."""
    scope = current_scope()
    if scope is not None and scope.tenant is not None:
        yield scope.tenant.id, scope.tenant.name
        return
    alias = scope.alias if scope else DEFAULT_DB_ALIAS
    if alias == DEFAULT_DB_ALIAS:
        yield None, "Staff"
    yield from Tenant.objects.filter(database="" if alias == DEFAULT_DB_ALIAS else alias).values_list("pk", "name")


def _chart(hours: list[Hour]) -> str:
    """Return ``hours`` as Chart.js takes them."""
    people = {"label": "People", "data": [hour.people for hour in hours], "borderColor": "var(--color-primary-600)"}
    programs = {"label": "API clients", "data": [hour.programs for hour in hours], "borderColor": "#9ca3af"}
    return json.dumps({"labels": [f"{hour.start:%H:%M}" for hour in hours], "datasets": [people, programs]})
