"""Who gets a feature: the rules of a flag, in their order, and the reason of each answer. Pure.

The percentage is stable: an owner's place between 0 and 100 is a hash of the flag's name and the owner's id, so a
larger percentage takes nobody out, and two flags choose their owners independently (docs/adr/0027).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Final
from uuid import UUID

#: The number of places between 0 and 100 percent.
_PLACES: Final = 10_000


class FlagRule(StrEnum):
    """The rules, the strongest first."""

    SWITCH = "off switch"
    DENY_LIST = "deny list"
    ALLOW_LIST = "allow list"
    TENANT = "tenant"
    EVERYONE = "everyone"
    PERCENTAGE = "percentage"
    NOBODY = "nobody"


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """The person or program that uses a feature: a user or an API client of a tenant. ``id`` is stable."""

    id: str
    tenant_id: UUID | None = None
    groups: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class FlagState:
    """A flag as stored. ``everyone`` is None where it decides nothing; ``percent`` is 0 to 100."""

    name: str
    is_on: bool = True
    denied: frozenset[str] = frozenset()
    denied_tenants: frozenset[UUID] = frozenset()
    allowed: frozenset[str] = frozenset()
    allowed_groups: frozenset[int] = frozenset()
    tenants: frozenset[UUID] = frozenset()
    everyone: bool | None = None
    percent: Decimal = field(default=Decimal(0))


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an owner gets a feature, by which rule, and a sentence that says so."""

    is_on: bool
    rule: FlagRule
    text: str

    def __bool__(self) -> bool:
        return self.is_on


#: The verdict on a flag that nobody has added.
NO_FLAG: Final = Verdict(False, FlagRule.NOBODY, "Off: there is no flag with this name.")


def explain(flag: FlagState, owner: Owner) -> Verdict:
    """Return whether ``owner`` gets the feature, by the first rule that decides."""
    if not flag.is_on:
        return Verdict(False, FlagRule.SWITCH, "Off: the flag is switched off for all.")
    if owner.id in flag.denied:
        return Verdict(False, FlagRule.DENY_LIST, "Off: on the deny list.")
    if owner.tenant_id in flag.denied_tenants:
        return Verdict(False, FlagRule.DENY_LIST, "Off: the tenant is on the deny list.")
    if owner.id in flag.allowed:
        return Verdict(True, FlagRule.ALLOW_LIST, "On: on the allow list.")
    if not flag.allowed_groups.isdisjoint(owner.groups):
        return Verdict(True, FlagRule.ALLOW_LIST, "On: in a group on the allow list.")
    if owner.tenant_id in flag.tenants:
        return Verdict(True, FlagRule.TENANT, "On: for the tenant.")
    if flag.everyone is not None:
        return Verdict(flag.everyone, FlagRule.EVERYONE, f"{_on(flag.everyone)}: for everyone.")
    place = place_of(flag.name, owner.id)
    if flag.percent > 0:
        is_on = place < flag.percent
        limit = "below" if is_on else "not below"
        return Verdict(
            is_on, FlagRule.PERCENTAGE, f"{_on(is_on)}: at {place}, {limit} the percentage of {flag.percent}."
        )
    return Verdict(False, FlagRule.NOBODY, "Off: no rule turns it on.")


def place_of(name: str, owner_id: str) -> Decimal:
    """Return the place of an owner for the flag ``name``: 0 to 99.99, the same in every process and for ever."""
    digest = sha256(f"{name}\0{owner_id}".encode()).digest()
    return Decimal(int.from_bytes(digest[:8], "big") % _PLACES) / 100


def count_on(flag: FlagState, owners: Iterable[Owner]) -> dict[FlagRule, int]:
    """Return how many of ``owners`` get the feature, by the rule that gives it."""
    counts: dict[FlagRule, int] = {}
    for owner in owners:
        verdict = explain(flag, owner)
        if verdict.is_on:
            counts[verdict.rule] = counts.get(verdict.rule, 0) + 1
    return counts


def _on(is_on: bool) -> str:
    return "On" if is_on else "Off"
