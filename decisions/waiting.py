"""Which open copies wait to be decided anew: those whose decision is of an older release, edition or day.

Copies carry what they were decided with, in an index of the open ones: its few distinct values are read in a few steps,
however many copies there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import BooleanField, Case, Q, QuerySet, Value, When
from django.utils import timezone

from catalogue import releases
from copies.models import Copy
from rules.flow.evaluation import EDITION
from tenants.models import Tenant

_TABLE: Final = Copy._meta.db_table
_OPEN: Final = "locked_at IS NULL AND deleted_at IS NULL"
_MARK: Final = "tenant_id, decided_release_id, decided_edition"
#: A loose index scan: the first mark, then each time the next one behind it. A bound copy has no release in its mark.
_MARKS: Final = f"""
WITH RECURSIVE marks AS (
    (SELECT {_MARK} FROM {_TABLE}
      WHERE {_OPEN} AND decided_release_id IS NOT NULL {{of_tenant}} ORDER BY {_MARK} LIMIT 1)
    UNION ALL
    SELECT n.* FROM marks m CROSS JOIN LATERAL (
        SELECT {_MARK} FROM {_TABLE} c
         WHERE {_OPEN} AND decided_release_id IS NOT NULL {{of_tenant}}
           AND (c.tenant_id, c.decided_release_id, c.decided_edition)
               > (m.tenant_id, m.decided_release_id, m.decided_edition)
         ORDER BY {_MARK} LIMIT 1) n)
SELECT m.*, d.first, d.last
  FROM marks m CROSS JOIN LATERAL (
       SELECT min(decided_on) AS first, max(decided_on) AS last FROM {_TABLE} c
        WHERE {_OPEN} AND c.tenant_id = m.tenant_id AND c.decided_release_id = m.decided_release_id
          AND c.decided_edition = m.decided_edition) d"""  # noqa: S608 - names of our own table and columns


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingGroup:
    """The waiting copies of one tenant with one release and edition: all of them if that is not the present one
    (``is_older``), else those of another day than ``today``.
    """

    tenant_id: UUID
    release_id: int
    edition: int
    today: date
    is_older: bool

    @property
    def condition(self) -> Q:
        """Return the condition on copies."""
        marked = Q(
            tenant_id=self.tenant_id, decided_release_id=self.release_id, decided_edition=self.edition,
            locked_at=None, deleted_at=None,
        )  # fmt: skip
        return marked if self.is_older else marked & (Q(decided_on__lt=self.today) | Q(decided_on__gt=self.today))


def list_databases() -> list[str]:
    """Return the aliases of the databases that hold forms: the shared one and those of tenants."""
    own = Tenant.objects.exclude(database="").order_by("database").values_list("database", flat=True).distinct()
    return [DEFAULT_DB_ALIAS, *(alias for alias in own if alias in connections)]


def today_at(tenant: Tenant, now: datetime | None = None) -> date:
    """Return the present day at ``tenant``."""
    return (now or timezone.now()).astimezone(ZoneInfo(tenant.time_zone)).date()


def is_present(release_id: int, edition: int, tenant_id: UUID) -> bool:
    """Return whether a decision with this release is one of its catalogue's current release at the tenant."""
    code = releases.catalogue_of(release_id)
    try:
        return bool(code) and edition == EDITION and releases.current_id(code, tenant_id=tenant_id) == release_id
    except releases.NoRelease:
        return False


def list_waiting(tenants: Iterable[Tenant], *, alias: str) -> list[WaitingGroup]:
    """Return the groups of waiting copies of ``tenants``, which live in the database ``alias`` and are in scope."""
    known = {tenant.id: tenant for tenant in tenants}
    found = []
    for tenant_id, release_id, edition, first, last in _marks(known, alias):
        if tenant_id not in known:
            continue
        today, is_older = today_at(known[tenant_id]), not is_present(release_id, edition, tenant_id)
        if is_older or (first is not None and not first == last == today):
            found.append(
                WaitingGroup(
                    tenant_id=tenant_id, release_id=release_id, edition=edition, today=today, is_older=is_older
                )
            )
    return found


def condition_of(groups: Iterable[WaitingGroup]) -> Q:
    """Return the condition on the copies of any of ``groups``."""
    condition = Q()
    for group in groups:
        condition |= group.condition
    return condition


def with_waiting(copies: QuerySet[Any], groups: Iterable[WaitingGroup]) -> QuerySet[Any]:
    """Return ``copies`` with the column ``waits``, which is never null."""
    waits = Case(When(condition_of(groups), then=Value(True)), default=Value(False), output_field=BooleanField())
    found: QuerySet[Any] = copies.annotate(waits=waits)
    return found


def _marks(known: Mapping[UUID, Tenant], alias: str) -> list[tuple[UUID, int, int, date | None, date | None]]:
    one = next(iter(known)) if len(known) == 1 else None
    of_tenant = "" if one is None else "AND tenant_id = %(tenant)s"
    with connections[alias].cursor() as cursor:
        cursor.execute(_MARKS.format(of_tenant=of_tenant), {"tenant": one})
        found: list[tuple[UUID, int, int, date | None, date | None]] = cursor.fetchall()
        return found
