"""The kind that archives forms, or deletes single copies of them; both can be taken back."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from batch.context import BatchContext
from operations.kinds.copy_kind import CopyItem, CopyKind, Done
from operations.kinds.kind import Work


class ArchiveArguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether only the named copies are deleted (``copies_only``), instead of the whole forms being archived."""

    copies_only: bool = False


class Archive(CopyKind[CopyItem, ArchiveArguments]):
    """Archives forms."""

    code: ClassVar[str] = "archive"
    title: ClassVar[str] = "Archive"
    description: ClassVar[str] = (
        "Hides forms with all their copies, or single copies, from lists and search. Nothing is erased."
    )
    arguments_type = ArchiveArguments

    def change(self, context: BatchContext, item: CopyItem, work: Work[ArchiveArguments]) -> Done:
        """Archive the form, or delete the copy. The save refuses the form's last copy and its base."""
        if work.arguments.copies_only:
            context.changeset.copy.delete()
            return Done(presence="deleted")
        context.changeset.application_form.archive()
        return Done(presence="archived")
