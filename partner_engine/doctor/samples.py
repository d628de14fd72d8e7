"""Samples of copies for the checks of drift: half of them saved last, half from a random place."""

from __future__ import annotations

import secrets
from typing import Final
from uuid import UUID

from copies.models import Copy
from tenants.current_tenant import NoTenant, current_scope

#: The copies of each database that one run looks at; a run takes seconds with any number of copies.
SAMPLE: Final = 40


def scope_alias() -> str:
    """Return the database whose rows are in scope. Raises ``NoTenant``."""
    scope = current_scope()
    if scope is None:
        raise NoTenant
    return scope.alias


def sampled_copies(size: int = SAMPLE) -> list[UUID]:
    """Return ids of copies of the database in scope."""
    half = size // 2
    ids = Copy.objects.order_by("-updated_at").values_list("id", flat=True)[:half]
    return list(dict.fromkeys([*ids, *_from_a_random_place(size - half)]))


def _from_a_random_place(size: int) -> list[UUID]:
    ids = Copy.objects.values_list("id", flat=True)
    first, last = ids.order_by("id").first(), ids.order_by("-id").first()
    if first is None or last is None:
        return []
    place = UUID(int=first.int + secrets.randbelow(last.int - first.int + 1))
    found = list(ids.filter(id__gte=place).order_by("id")[:size])
    return found or [last]
