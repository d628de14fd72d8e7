"""The mutator of the copy's own fields: title, lock and deletion. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

if TYPE_CHECKING:
    from batch.changeset import Changeset


class CopyFields(msgspec.Struct, frozen=True):
    """What of a copy's row people can change."""

    title: str = ""
    owner_id: UUID | None = None
    locked_at: datetime | None = None
    deleted_at: datetime | None = None


class CopyFieldsMutator:
    """The copy's title, lock and deletion. Stale after the save."""

    def __init__(self, changeset: Changeset) -> None:
        """Made by ``Changeset.copy``."""
        self._changeset = changeset

    @property
    def fields(self) -> CopyFields:
        """Return the fields as they stand."""
        self._changeset.require_open()
        return self._changeset.copy_fields

    def rename(self, title: str) -> None:
        """Give the copy ``title``."""
        self._replace(title=title)

    def lock(self) -> None:
        """Lock the copy: it takes no changes until it is unlocked. A locked copy keeps the time of its lock."""
        self._replace(locked_at=self.fields.locked_at or self._changeset.now)

    def unlock(self) -> None:
        """Let changes in again."""
        self._replace(locked_at=None)

    def delete(self) -> None:
        """Delete the copy softly: it is found only by those who ask for archived ones."""
        self._replace(deleted_at=self.fields.deleted_at or self._changeset.now)

    def restore(self) -> None:
        """Bring a deleted copy back."""
        self._replace(deleted_at=None)

    def _replace(self, **values: object) -> None:
        self._changeset.require_writable()
        self._changeset.copy_fields = msgspec.structs.replace(self._changeset.copy_fields, **values)
