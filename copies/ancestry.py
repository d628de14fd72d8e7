"""The common ancestor of two copies: the latest version that both come from, by copying and by earlier merges. Pure.

A version of a copy comes from all earlier versions of it, from the version that the copy was made of, and from the
versions that were merged into it. A merge that was undone counts no more from then on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from uuid import UUID


class Version(NamedTuple):
    """One version of a copy."""

    copy_id: UUID
    number: int


class Merged(NamedTuple):
    """The merge of ``source`` that made the version ``at`` of a copy; ``undone_at`` is the version that undid it."""

    at: int
    source: Version
    undone_at: int | None = None


class Origin(NamedTuple):
    """Where the versions of a copy come from, besides each other."""

    made_of: Version | None = None
    merged: tuple[Merged, ...] = ()


def reachable(start: Version, origins: Mapping[UUID, Origin]) -> dict[UUID, int]:
    """Return the latest version of each copy that ``start`` comes from, itself included."""
    found: dict[UUID, int] = {}
    waiting = [start]
    while waiting:
        version = waiting.pop()
        if found.get(version.copy_id, 0) < version.number:
            found[version.copy_id] = version.number
            waiting += parents(version, origins.get(version.copy_id, Origin()))
    return found


def parents(version: Version, origin: Origin) -> Iterable[Version]:
    """Return the versions of other copies that ``version`` comes from directly."""
    if origin.made_of is not None:
        yield origin.made_of
    for merge in origin.merged:
        is_undone = merge.undone_at is not None and merge.undone_at <= version.number
        if merge.at <= version.number and not is_undone:
            yield merge.source


def common_ancestors(one: Version, other: Version, origins: Mapping[UUID, Origin]) -> list[Version]:
    """Return the versions that both come from, without those that another of them comes from: mostly one, none for
    copies that have nothing in common, and several after merges in both directions.
    """
    reached = reachable(one, origins), reachable(other, origins)
    shared = [Version(copy, min(number, reached[1][copy])) for copy, number in reached[0].items() if copy in reached[1]]
    below = {version: reachable(version, origins) for version in shared}
    return [
        version
        for version in shared
        if not any(other != version and below[other].get(version.copy_id, 0) >= version.number for other in shared)
    ]
