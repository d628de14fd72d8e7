"""The one reader of a copy's history: its revisions, its content at any version or moment, the changes since a version.

Most revisions keep their difference from the version before, so nothing else reads their documents.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db import connections
from django.db.models import QuerySet, Subquery
from django.db.models.functions import Coalesce

from copies.changes import ANEW, Cause, Change, fold
from copies.codec import decode, store
from copies.models import CopyRevision
from copies.stored_versions import Content, StoredVersion, read_evaluations, read_version, read_versions
from tenants.models import Tenant

_TABLE: Final = CopyRevision._meta.db_table
#: The versions from the last whole one before the requested one up to that: all that it is restored from.
_VERSION: Final = f"""
    WITH wanted AS (
        SELECT max(version) AS version
          FROM {_TABLE}
         WHERE tenant_id = %(tenant)s AND copy_id = %(copy)s AND {{condition}})
    SELECT r.version, r.document, r.evaluation, r.is_whole, r.release_id, r.created_at, r.chain
      FROM {_TABLE} r
     WHERE r.tenant_id = %(tenant)s AND r.copy_id = %(copy)s
       AND r.version <= (SELECT version FROM wanted)
       AND r.version >= (SELECT max(w.version) FROM {_TABLE} w
                          WHERE w.copy_id = %(copy)s AND w.is_whole AND w.version <= (SELECT version FROM wanted))
     ORDER BY r.version"""  # noqa: S608 - names of our own table, here and below
_STREAM: Final = 50


class ChangesSince(msgspec.Struct, frozen=True):
    """The changes after a version, folded to one per path. ``evaluation`` is the stored one of that version, None
    before the first version; ``release_ids`` are the releases under which the values were recorded.
    """

    changes: list[Change]
    evaluation: bytes | None
    release_ids: tuple[int, ...] = ()


class PastVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version as it was saved; ``document`` and ``evaluation`` are in the form in which a copy stores them."""

    version: int
    document: bytes
    evaluation: bytes
    release_id: int | None
    created_at: datetime
    chain: bytes


class NoSuchVersion(Exception):
    """The copy has no such version."""


def find_version(
    copy_id: UUID, *, scope: Tenant, version: int | None = None, moment: datetime | None = None
) -> PastVersion | None:
    """Return a copy's version with this number, or the one at ``moment``; None without such a version.

    Raises ``UnreadableDocument`` where a version that it is restored from is damaged.
    """
    condition = "version = %(version)s" if version is not None else "created_at <= %(moment)s"
    parameters = {"tenant": scope.id, "copy": copy_id, "version": version, "moment": moment}
    with connections[scope.database_alias].cursor() as cursor:
        cursor.execute(_VERSION.format(condition=condition), parameters)
        rows = cursor.fetchall()
    if not rows:
        return None
    number, document, evaluation, is_whole, release_id, created_at, chain = rows[-1]
    if not is_whole:
        content = _last(rows)
        document, evaluation = content.stored()
    return PastVersion(
        version=number,
        document=bytes(document),
        evaluation=bytes(evaluation),
        release_id=release_id,
        created_at=created_at,
        chain=bytes(chain),
    )


def _last(rows: list[tuple[Any, ...]]) -> Content:
    """Return the content of the last of these versions."""
    content: Content | None = None
    for _, document, evaluation, is_whole, *_ in rows:
        content = read_version(StoredVersion(bytes(document), bytes(evaluation), is_whole), content)
    assert content is not None  # noqa: S101 - there is a row at least
    return content


def list_revisions(copy_id: UUID) -> QuerySet[CopyRevision]:
    """Return a copy's revisions, the latest first, without their documents."""
    return CopyRevision.objects.filter(copy_id=copy_id).defer("document", "evaluation").order_by("-version")


def list_authors(copy_id: UUID) -> list[tuple[str, str, str]]:
    """Return type, id and name of everybody who saved a version of a copy, in the order of their names."""
    rows = CopyRevision.objects.filter(copy_id=copy_id).order_by("actor_label", "actor_type", "actor_id")
    return list(rows.values_list("actor_type", "actor_id", "actor_label").distinct())


def contents(copy_id: UUID, *, first: int = 1, last: int | None = None) -> Iterator[tuple[int, Content]]:
    """Yield number and content of each version from ``first`` up to ``last`` (by default the latest), in their order.

    In the tenant's scope. Raises ``UnreadableDocument``.
    """
    columns = (
        _from_whole(copy_id, first, last)
        .values_list("version", "document", "evaluation", "is_whole")
        .iterator(chunk_size=_STREAM)
    )
    stored = (
        (version, StoredVersion(bytes(document), bytes(evaluation), is_whole))
        for version, document, evaluation, is_whole in columns
    )
    for version, content in read_versions(stored):
        if version >= first:
            yield version, content


def evaluations(copy_id: UUID, *, first: int, last: int) -> dict[int, bytes]:
    """Return the stored form of the evaluations of these versions, by version. In the tenant's scope."""
    rows = _from_whole(copy_id, first, last).values_list("version", "evaluation", "is_whole")
    stored = ((version, bytes(evaluation), is_whole) for version, evaluation, is_whole in rows)
    return {version: store(evaluation) for version, evaluation in read_evaluations(stored) if version >= first}


def _from_whole(copy_id: UUID, first: int, last: int | None) -> QuerySet[CopyRevision]:
    """Return the versions from ``first`` up to ``last`` in their order, and those that the first is restored from."""
    revisions = CopyRevision.objects.filter(copy_id=copy_id)
    whole = revisions.filter(is_whole=True, version__lte=first).order_by("-version").values("version")[:1]
    rows = revisions.filter(version__gte=Coalesce(Subquery(whole), 1)).order_by("version")
    return rows if last is None else rows.filter(version__lte=last)


def cause_of(revision: CopyRevision) -> Cause:
    """Return the cause of a revision: a merge or a revert, its actor, or the release or day for which the copy was
    decided anew.
    """
    if revision.cause_type:
        return Cause(revision.cause_type, revision.cause_id)
    is_anew = revision.actor_type == "system" and revision.source in ANEW
    return Cause(revision.source if is_anew else revision.actor_type, revision.actor_id)


def changes_of(revision: CopyRevision) -> list[Change]:
    """Return the changes of one revision."""
    return decode(bytes(revision.changes), list[Change])


def changes_since(copy_id: UUID, version: int, *, current: int) -> ChangesSince:
    """Return the changes of the versions after ``version`` up to ``current``. Raises ``NoSuchVersion``."""
    if not 0 <= version <= current:
        raise NoSuchVersion(f"The copy is at version {current}; there is no version {version}.")
    rows = CopyRevision.objects.filter(copy_id=copy_id, version__gte=version, version__lte=current).order_by("version")
    revisions = list(rows.only("version", "changes", "release_id"))
    changes = fold(change for revision in revisions if revision.version > version for change in changes_of(revision))
    recorded = [revision.release_id for revision in revisions if revision.release_id]
    evaluation = evaluations(copy_id, first=version, last=version).get(version) if version else None
    return ChangesSince(changes, evaluation, tuple(dict.fromkeys(recorded)))
