"""The mutator of the copy's own fields: title, lock and deletion. Pure."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec

from batch.changes.free_texts import clean_line
from batch.changes.snapshots import CopyFields
from batch.changes.tracker import ChangeTracker

#: The maximum length of a copy's title.
MAX_TITLE: Final = 200


class CopyFieldsMutator:
    """The copy's title, lock and deletion. Stale after the save."""

    def __init__(self, tracker: ChangeTracker) -> None:
        """Made by ``Changeset.copy``."""
        self._tracker = tracker

    @property
    def fields(self) -> CopyFields:
        """Return the fields with the changes so far."""
        self._tracker.require_open()
        return self._tracker.copy_fields

    def own(self, owner_id: UUID) -> None:
        """Make the user ``owner_id`` the copy's owner."""
        self._replace(owner_id=owner_id)

    def rename(self, title: str) -> None:
        """Set ``title``, one line, as the copy's title. Raises ``WrongValue``, ``LooksSensitive``."""
        self._replace(title=clean_line(title, field="title", most=MAX_TITLE))

    def lock(self) -> None:
        """Lock the copy: it takes no changes until it is unlocked. A locked copy keeps the time of its lock."""
        self._replace(locked_at=self.fields.locked_at or self._tracker.now)

    def unlock(self) -> None:
        """Unlock the copy, so that it takes changes again."""
        self._replace(locked_at=None)

    def delete(self) -> None:
        """Delete the copy softly: only reads with ``archived`` return it."""
        self._replace(deleted_at=self.fields.deleted_at or self._tracker.now)

    def restore(self) -> None:
        """Restore the copy after its deletion."""
        self._replace(deleted_at=None)

    def _replace(self, **values: object) -> None:
        self._tracker.require_writable()
        self._tracker.copy_fields = msgspec.structs.replace(self._tracker.copy_fields, **values)
