"""What the relay does for ``IndexForm`` and ``UnindexForm``. Both read the copy as it stands, so they may be run late,
twice or in any order.
"""

from __future__ import annotations

from uuid import UUID

from actions.kinds import IndexForm, UnindexForm
from actions.registry import Delivered, register
from batch.indexing import index_copies
from copies.search_index import remove_entries


def index_form(action: Delivered) -> None:
    """Bring the copy's entry in the search up to date; a copy that is gone leaves it."""
    index_copies([UUID(action.payload["copy_id"])], tenant=action.tenant)


def unindex_form(action: Delivered) -> None:
    """Take the copy out of the search."""
    remove_entries([UUID(action.payload["copy_id"])], tenant=action.tenant)


def register_handlers() -> None:
    """Tell the relay who does these kinds. Raises ``RegisteredTwice``."""
    register(IndexForm, index_form)
    register(UnindexForm, unindex_form)
