"""The mutator of the application form's own fields: its reference, and its archiving. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from batch.changes.free_texts import clean_line
from batch.changes.snapshots import FormFields
from batch.changes.tracker import ChangeTracker

MAX_REFERENCE: Final = 200


class ApplicationFormMutator:
    """The fields that all copies of a form share. Stale after the save."""

    def __init__(self, tracker: ChangeTracker) -> None:
        """Made by ``Changeset.application_form``."""
        self._tracker = tracker

    @property
    def fields(self) -> FormFields:
        """Return the fields with the changes so far."""
        self._tracker.require_open()
        return self._tracker.form_fields

    def refer_as(self, reference: str) -> None:
        """Set the partner's own name for the form (at most 200 characters).

        Raises ``WrongValue``, ``LooksSensitive``.
        """
        self._replace(reference=clean_line(reference, field="reference", most=MAX_REFERENCE))

    def archive(self) -> None:
        """Archive the form with all its copies: only reads with ``archived`` return it."""
        self._replace(deleted_at=self.fields.deleted_at or self._tracker.now)

    def restore(self) -> None:
        """Restore the form from the archive."""
        self._replace(deleted_at=None)

    def _replace(self, **values: object) -> None:
        self._tracker.require_writable()
        self._tracker.form_fields = msgspec.structs.replace(self._tracker.form_fields, **values)
