"""Reads of a copy's history: its revisions, and the changes since a version."""

from __future__ import annotations

from uuid import UUID

import msgspec
from django.db.models import QuerySet

from copies.changes import Change, fold
from copies.codec import decode
from copies.models import CopyRevision


class ChangesSince(msgspec.Struct, frozen=True):
    """The changes after a version, folded to one per path. ``evaluation`` is the stored one of that version, None
    before the first version.
    """

    changes: list[Change]
    evaluation: bytes | None


class NoSuchVersion(Exception):
    """The copy has no such version."""


def list_revisions(copy_id: UUID) -> QuerySet[CopyRevision]:
    """Return a copy's revisions, the latest first, without their documents."""
    return CopyRevision.objects.filter(copy_id=copy_id).defer("document", "evaluation").order_by("-version")


def changes_of(revision: CopyRevision) -> list[Change]:
    """Return the changes of one revision."""
    return decode(bytes(revision.changes), list[Change])


def changes_since(copy_id: UUID, version: int, *, current: int) -> ChangesSince:
    """Return the changes of the versions after ``version`` up to ``current``. Raises ``NoSuchVersion``."""
    if not 0 <= version <= current:
        raise NoSuchVersion(f"The copy is at version {current}; there is no version {version}.")
    later = CopyRevision.objects.filter(copy_id=copy_id, version__gt=version, version__lte=current).order_by("version")
    changes = fold(change for revision in later.only("changes") for change in changes_of(revision))
    base = CopyRevision.objects.filter(copy_id=copy_id, version=version).only("evaluation").first()
    return ChangesSince(changes, bytes(base.evaluation) if base else None)
