"""Selectors of a copy's history: its revisions, and the changes since a version."""

from __future__ import annotations

from uuid import UUID

import msgspec
from django.db.models import QuerySet

from copies.changes import ANEW, Cause, Change, fold
from copies.codec import decode
from copies.models import CopyRevision


class ChangesSince(msgspec.Struct, frozen=True):
    """The changes after a version, folded to one per path. ``evaluation`` is the stored one of that version, None
    before the first version; ``release_ids`` are the releases under which the values were recorded.
    """

    changes: list[Change]
    evaluation: bytes | None
    release_ids: tuple[int, ...] = ()


class NoSuchVersion(Exception):
    """The copy has no such version."""


def list_revisions(copy_id: UUID) -> QuerySet[CopyRevision]:
    """Return a copy's revisions, the latest first, without their documents."""
    return CopyRevision.objects.filter(copy_id=copy_id).defer("document", "evaluation").order_by("-version")


def list_decided_revisions(copy_id: UUID) -> QuerySet[CopyRevision]:
    """Return a copy's revisions with their evaluations, the latest first, without their documents."""
    return CopyRevision.objects.filter(copy_id=copy_id).defer("document").order_by("-version")


def cause_of(revision: CopyRevision) -> Cause:
    """Return the cause of a revision: its actor, or the release or day for which the copy was decided anew."""
    is_anew = revision.actor_type == "system" and revision.source in ANEW
    return Cause(revision.source if is_anew else revision.actor_type, revision.actor_id)


def changes_of(revision: CopyRevision) -> list[Change]:
    """Return the changes of one revision."""
    return decode(bytes(revision.changes), list[Change])


def changes_since(copy_id: UUID, version: int, *, current: int) -> ChangesSince:
    """Return the changes of the versions after ``version`` up to ``current``. Raises ``NoSuchVersion``."""
    if not 0 <= version <= current:
        raise NoSuchVersion(f"The copy is at version {current}; there is no version {version}.")
    later = CopyRevision.objects.filter(copy_id=copy_id, version__gt=version, version__lte=current).order_by("version")
    revisions = list(later.only("changes", "release_id"))
    changes = fold(change for revision in revisions for change in changes_of(revision))
    base = CopyRevision.objects.filter(copy_id=copy_id, version=version).only("evaluation", "release_id").first()
    recorded = [revision.release_id for revision in (base, *revisions) if revision and revision.release_id]
    return ChangesSince(changes, bytes(base.evaluation) if base else None, tuple(dict.fromkeys(recorded)))
