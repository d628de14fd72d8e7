"""The mutator of the copy's own fields: title, owner, lock, deletion and the mark of the base. Pure."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec

from batch.changes.free_texts import clean_line
from batch.changes.snapshots import CopyFields
from batch.changes.tracker import ChangeTracker

#: The maximum length of a copy's title, and of the reason of its lock.
MAX_TITLE: Final = 200
MAX_REASON: Final = 200


class CopyFieldsMutator:
    """The copy's title, owner, lock, deletion and mark of the base. Stale after the save."""

    def __init__(self, tracker: ChangeTracker) -> None:
        """Made by ``Changeset.copy``."""
        self._tracker = tracker

    @property
    def fields(self) -> CopyFields:
        """Return the fields with the changes so far."""
        self._tracker.require_open()
        return self._tracker.copy_fields

    def own(self, owner_id: UUID | None) -> None:
        """Make the user ``owner_id`` the copy's owner, or nobody."""
        self._replace(owner_id=owner_id)

    def rename(self, title: str) -> None:
        """Set ``title``, one line, as the copy's title. Raises ``WrongValue``, ``LooksSensitive``."""
        self._replace(title=clean_line(title, field="title", most=MAX_TITLE))

    def lock(self, *, reason: str = "", by: str = "") -> None:
        """Lock the copy for ``reason``: it takes no changes until it is unlocked. ``by`` is the name to show instead of
        the actor's. A locked copy keeps time, author and reason of its lock. Raises ``WrongValue``, ``LooksSensitive``.
        """
        reason = clean_line(reason, field="reason", most=MAX_REASON)
        self._tracker.require_writable()
        if self.fields.locked_at is None:
            actor = self._tracker.context.actor
            self._replace(
                locked_at=self._tracker.now,
                locked_by_id=actor.id[:64],
                locked_by_label=(by or actor.label)[:200],
                lock_reason=reason,
            )

    def unlock(self) -> None:
        """Unlock the copy, so that it takes changes again."""
        self._replace(locked_at=None, locked_by_id="", locked_by_label="", lock_reason="")

    def make_base(self) -> None:
        """Make the copy the base, with which the form's other copies are compared; the present base loses the mark."""
        self._tracker.require_writable()
        loaded = self._tracker.loaded
        if loaded.copy.id != (self._tracker.form_fields.base_copy_id or loaded.form.id):
            self._tracker.form_fields = msgspec.structs.replace(self._tracker.form_fields, base_copy_id=loaded.copy.id)

    def delete(self) -> None:
        """Delete the copy softly: only reads with ``archived`` return it."""
        self._replace(deleted_at=self.fields.deleted_at or self._tracker.now)

    def restore(self) -> None:
        """Restore the copy after its deletion."""
        self._replace(deleted_at=None)

    def _replace(self, **values: object) -> None:
        self._tracker.require_writable()
        self._tracker.copy_fields = msgspec.structs.replace(self._tracker.copy_fields, **values)
