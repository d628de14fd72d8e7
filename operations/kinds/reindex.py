"""The kind that reads copies into the search index again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from batch.context import BatchContext
from operations.kinds.copy_kind import CopyItem, NoArguments
from operations.kinds.kind import ItemEnd, Work
from operations.kinds.reading_kind import ReadingKind
from operations.models import OperationItem
from search.indexer import index_copies
from tenants.access import Right

_RESULT: Final[dict[str, Any]] = {"indexed": True}


class Reindex(ReadingKind[NoArguments]):
    """Updates the search index."""

    code: ClassVar[str] = "reindex"
    title: ClassVar[str] = "Update the search index"
    description: ClassVar[str] = "Reads copies into the search index again. No form is changed."
    right: ClassVar[Right] = Right.WRITE_FORMS
    arguments_type = NoArguments

    def run(self, items: Sequence[tuple[OperationItem, CopyItem]], work: Work[NoArguments]) -> list[ItemEnd]:
        """Update the entries of a chunk's copies; see ``Kind.run``."""
        ends = super().run(items, work)
        copy_ids = [end.copy_id for end in ends if end.refusal is None and end.copy_id is not None]
        if copy_ids and not work.is_dry_run:
            # Entries never return to an earlier version, so a chunk that is worked on twice does no harm.
            index_copies(copy_ids, tenant=work.tenant)
        return ends

    def read(self, context: BatchContext, work: Work[NoArguments]) -> dict[str, Any]:
        """Return what the result of an item states."""
        return _RESULT
