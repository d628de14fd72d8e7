"""The mutator of the application form's own fields: reference, external id, metadata, and archiving. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from batch.changes.free_texts import clean_line, clean_paragraphs
from batch.changes.snapshots import FormFields
from batch.changes.tracker import ChangeTracker
from batch.errors import WrongValue

MAX_REFERENCE: Final = 200
MAX_EXTERNAL_ID: Final = 200
#: The maximum number of keys of the metadata, and the maximum lengths of a key and of its text.
MAX_METADATA: Final = 50
MAX_METADATA_KEY: Final = 40
MAX_METADATA_TEXT: Final = 500


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

    def set_external_id(self, external_id: str) -> None:
        """Set the form's id in the partner's system (at most 200 characters), "" for none. The save raises
        ``ExternalIdTaken`` if another form of the tenant has it.

        Raises ``WrongValue``, ``LooksSensitive``.
        """
        if clean_line(external_id, field="external_id", most=MAX_EXTERNAL_ID) != external_id:
            raise WrongValue("external_id", "remove blanks at its ends, repeated blanks and invisible characters")
        self._replace(external_id=external_id)

    def merge_metadata(self, texts: Mapping[str, str | None]) -> None:
        """Set the ``texts`` by key and remove the keys with None; the other keys stay.

        Raises ``WrongValue`` and ``LooksSensitive``, whose field is ``metadata/<key>`` or ``metadata``.
        """
        merged = dict(self.fields.metadata)
        for key, text in texts.items():
            field = f"metadata/{key}"
            if text is None:
                merged.pop(key, None)
                continue
            if len(key) > MAX_METADATA_KEY:
                raise WrongValue("metadata", f"a key has at most {MAX_METADATA_KEY} characters")
            if not key or clean_line(key, field=field, most=MAX_METADATA_KEY) != key:
                raise WrongValue(field, "a key is one line of visible characters without blanks at its ends")
            merged[key] = clean_paragraphs(text, field=field, most=MAX_METADATA_TEXT)
        if len(merged) > MAX_METADATA:
            raise WrongValue("metadata", f"a form has at most {MAX_METADATA} keys, and these would be {len(merged)}")
        self._replace(metadata=merged)

    def archive(self) -> None:
        """Archive the form with all its copies: only reads with ``archived`` return it."""
        self._replace(deleted_at=self.fields.deleted_at or self._tracker.now)

    def restore(self) -> None:
        """Restore the form from the archive."""
        self._replace(deleted_at=None)

    def _replace(self, **values: object) -> None:
        self._tracker.require_writable()
        self._tracker.form_fields = msgspec.structs.replace(self._tracker.form_fields, **values)
