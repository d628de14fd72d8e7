"""What the relay does for ``IndexForm``: reads the copy as it stands, so late, twice or in any order is as good."""

from __future__ import annotations

from uuid import UUID

from actions.kinds import IndexForm
from actions.registry import Delivered, register
from search.indexer import index_copies


def index_form(action: Delivered) -> None:
    """Bring the copy's entry in the search up to date; a copy that is gone leaves it."""
    index_copies([UUID(action.payload["copy_id"])], tenant=action.tenant)


def register_handlers() -> None:
    """Tell the relay who does this kind. Raises ``RegisteredTwice``."""
    register(IndexForm, index_form)
