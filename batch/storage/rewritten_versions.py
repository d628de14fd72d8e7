"""Rewrites earlier versions of a copy in place, where a value in them must no longer be readable.

The caller owns the transaction, holds the copy's lock, and saves the amendments with a next version: the chain vouches
for the rewriting by them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

from django.db import connections

from copies.chain import Amendment, content_digest
from copies.codec import content_of, store
from copies.models import CopyRevision
from copies.stored_versions import Content, StoredVersion, read_version, stored_version

_COLUMNS: Final = ("pk", "version", "release_id", "document", "evaluation", "is_whole", "changes")
_REVISION: Final = f"""UPDATE {CopyRevision._meta.db_table}
   SET document = %s, evaluation = %s, is_whole = %s, changes = %s WHERE id = %s"""  # noqa: S608 - our own table


class EarlierVersion(NamedTuple):
    """A version as it can be rewritten: its release, its content, and its changes as JSON."""

    version: int
    release_id: int | None
    content: Content
    changes: bytes

    @property
    def digest(self) -> str:
        """Return the digest of the content, as the chain has it."""
        return content_digest(self.content.document, self.content.evaluation, self.changes)


#: Returns the version with another content, None to leave it as it is.
Rewrite: TypeAlias = Callable[[EarlierVersion], EarlierVersion | None]


def earlier_versions(copy_id: UUID) -> Iterator[tuple[int, bool, EarlierVersion]]:
    """Yield key, whether it is kept whole, and content of each version of the copy; in the tenant's scope."""
    before: Content | None = None
    rows = CopyRevision.objects.filter(copy_id=copy_id).order_by("version").values_list(*_COLUMNS)
    for key, version, release_id, document, evaluation, is_whole, changes in rows.iterator(chunk_size=20):
        before = read_version(StoredVersion(bytes(document), bytes(evaluation), is_whole), before)
        yield key, is_whole, EarlierVersion(version, release_id, before, content_of(bytes(changes)))


def rewrite_versions(copy_id: UUID, rewrite: Rewrite, *, alias: str) -> list[Amendment]:
    """Rewrite the versions of the copy for which ``rewrite`` returns another content; return the amendments.

    A version that is kept as the difference from a rewritten one is stored anew, with its content as it was.
    """
    amendments: list[Amendment] = []
    written: Content | None = None
    is_moved = False
    for key, is_whole, version in earlier_versions(copy_id):
        new = rewrite(version)
        if new is not None:
            amendments.append(Amendment(version.version, version.digest, new.digest))
        if new is not None or (is_moved and not is_whole):
            _write(key, new or version, None if is_whole else written, alias=alias)
        is_moved = new is not None
        written = (new or version).content
    return amendments


def _write(key: int, version: EarlierVersion, before: Content | None, *, alias: str) -> None:
    whole = StoredVersion(*version.content.stored(), is_whole=True)
    stored = stored_version(version.version, whole, version.content, before)
    with connections[alias].cursor() as cursor:
        cursor.execute(_REVISION, [stored.document, stored.evaluation, stored.is_whole, store(version.changes), key])
