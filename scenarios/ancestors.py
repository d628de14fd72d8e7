"""Loads where copies come from, to find the common ancestor of two: copying and merging leave their traces on copies
and revisions. In the tenant's scope.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from copies.ancestry import Merged, Origin, Version, common_ancestors
from copies.models import Copy, CopyRevision

#: The causes of the versions that merges and their undoing made.
MERGE: Final = "merge"
UNDO: Final = "undo_merge"


def common_ancestor(one: Version, other: Version) -> Version | None:
    """Return the latest version that both come from, None for copies that have nothing in common."""
    found = common_ancestors(one, other, load_origins([one.copy_id, other.copy_id]))
    return _latest(found) if len(found) > 1 else next(iter(found), None)


def load_origins(copy_ids: Iterable[UUID]) -> dict[UUID, Origin]:
    """Return the origins of these copies and of all copies that they come from."""
    origins: dict[UUID, Origin] = {}
    waiting = set(copy_ids)
    while waiting:
        made_of = {
            copy_id: Version(source, version) if source and version else None
            for copy_id, source, version in Copy.objects.filter(id__in=waiting)
            .order_by()
            .values_list("id", "copied_from_id", "copied_from_version")
        }
        merges = _merges_of(waiting)
        for copy_id in waiting:
            origins[copy_id] = Origin(made_of.get(copy_id), tuple(merges.get(copy_id, ())))
        named = {source.copy_id for origin in origins.values() for source in _sources(origin)}
        waiting = named - origins.keys()
    return origins


def merges_of(copy_id: UUID) -> list[Merged]:
    """Return the merges into a copy, the latest last."""
    return _merges_of([copy_id]).get(copy_id, [])


def merged_id(source: Version) -> str:
    """Return the id of the cause of a merge: the copy and version that were merged."""
    return f"{source.copy_id}@{source.number}"


def _merges_of(copy_ids: Iterable[UUID]) -> dict[UUID, list[Merged]]:
    revisions = (
        CopyRevision.objects.filter(copy_id__in=list(copy_ids), cause_type__in=(MERGE, UNDO))
        .order_by("version")
        .values_list("copy_id", "version", "cause_type", "cause_id")
    )
    found: dict[UUID, dict[int, Merged]] = {}
    for copy_id, version, cause_type, cause_id in revisions:
        merges = found.setdefault(copy_id, {})
        if cause_type == MERGE:
            source, _, number = cause_id.partition("@")
            merges[version] = Merged(version, Version(UUID(source), int(number)))
        elif int(cause_id) in merges:
            merges[int(cause_id)] = merges[int(cause_id)]._replace(undone_at=version)
    return {copy_id: list(merges.values()) for copy_id, merges in found.items()}


def _sources(origin: Origin) -> Iterable[Version]:
    if origin.made_of is not None:
        yield origin.made_of
    yield from (merge.source for merge in origin.merged)


def _latest(versions: Sequence[Version]) -> Version:
    """Return the version that was saved last."""

    def saved_at(version: Version) -> Any:
        revision = CopyRevision.objects.filter(copy_id=version.copy_id, version=version.number)
        return revision.values_list("created_at", flat=True).get()

    return max(versions, key=saved_at)
