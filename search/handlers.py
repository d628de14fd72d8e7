"""The handler and the publish hook that keep the search index up to date."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from actions.kinds import IndexForm
from actions.registry import Delivered, handles
from catalogue.publish_hooks import Published, after_publish
from search.indexer import index_copies, index_stricter
from tenants.selectors import reachable_tenants


def index_forms(actions: Sequence[Delivered]) -> None:
    """Do the work of ``index_form`` for several copies of one tenant."""
    index_copies([UUID(action.payload["copy_id"]) for action in actions], tenant=actions[0].tenant)


@handles(IndexForm, many=index_forms)
def index_form(action: Delivered) -> None:
    """Update the copy's entry in the search index, or remove it; reads the copy as it is now, so it is idempotent."""
    index_copies([UUID(action.payload["copy_id"])], tenant=action.tenant)


@after_publish
def forget_stricter_words(published: Published) -> list[str]:
    """Remove the words of questions that became personal, secret or unknown from the index, before the publish ends."""
    for tenant in reachable_tenants() if published.stricter else ():
        index_stricter(published.catalogue, frozenset(published.stricter), tenant=tenant)
    return []
