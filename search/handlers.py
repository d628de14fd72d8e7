"""The handler that keeps the search index up to date."""

from __future__ import annotations

from uuid import UUID

from actions.kinds import IndexForm
from actions.registry import Delivered, handles
from search.indexer import index_copies


@handles(IndexForm)
def index_form(action: Delivered) -> None:
    """Update the copy's entry in the search index, or remove it; reads the copy as it is now, so it is idempotent."""
    index_copies([UUID(action.payload["copy_id"])], tenant=action.tenant)
