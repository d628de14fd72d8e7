"""The copies that a query of an order finds, in the words and filters of the list of forms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import msgspec

from decisions.listing import HiddenLines, InvalidOwner, filter_copies, present_rows
from forms.selectors import in_forms_changed_since, list_every_copy, list_forms
from operations.kinds.kind import Kind
from operations.submission.errors import InvalidOrder, TooManyItems
from operations.submission.order import MOST_FOUND, ItemQuery
from search.form_search import search_forms
from tenants.access import Actor, Right


class FoundItems:
    """The items of copies that a query found: their number is known, each item is made when it is needed."""

    def __init__(self, kind: Kind[Any, Any], found: Sequence[tuple[UUID, UUID]]) -> None:
        """Remember ``found``, the ids of copies and of their forms."""
        self._kind = kind
        self._found = found

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[msgspec.Struct]:
        return (self._kind.item_of(application_form_id=form_id, copy_id=copy_id) for copy_id, form_id in self._found)


def find_items(kind: Kind[Any, Any], query: ItemQuery, *, actor: Actor) -> FoundItems:
    """Return the items of the copies that ``query`` finds now, the oldest form first.

    Personal answers are searched only for an actor who may see them. Raises ``InvalidOrder`` for a kind without
    queries, an empty query, an invalid owner, or a line if the actor may not see lines; ``TooManyItems``;
    ``MissingRight``.
    """
    actor.require(Right.READ_FORMS)
    if not kind.takes_query:
        raise InvalidOrder.field("/query", f"Operations of the kind {kind.code!r} take items, not a query.")
    if query == ItemQuery(every_copy=query.every_copy):
        needed = "give at least one of q, state, quotes, line, owner, updated_since"
        raise InvalidOrder.field("/query", f"The query would choose all forms: {needed}.")
    found = _found(query, actor=actor)
    if len(found) > MOST_FOUND:
        raise TooManyItems(MOST_FOUND, pointer="/query")
    return FoundItems(kind, found)


def _found(query: ItemQuery, *, actor: Actor) -> list[tuple[UUID, UUID]]:
    is_deleted = query.state == "deleted"
    listed = list_every_copy if query.every_copy else list_forms
    # A sandbox client changes test forms alone, and operations of all others leave them out.
    copies = listed(deleted=is_deleted, tests=actor.is_sandbox)
    try:
        copies = filter_copies(copies, query, state=query.state, actor=actor)
    except InvalidOwner as error:
        raise InvalidOrder.field("/query/owner", str(error)) from error
    except HiddenLines as error:
        raise InvalidOrder.field("/query/line", str(error)) from error
    if query.updated_since is not None:
        copies = in_forms_changed_since(copies, query.updated_since)
    copies = search_forms(copies, query.q, personal=actor.may(Right.READ_PERSONAL))
    copies = copies.order_by("application_form_id", "id")[: MOST_FOUND + 1]
    if query.state is not None:
        # While many copies wait for their decision, the filter lets them all through.
        return [(row.pk, row.application_form_id) for row in present_rows(copies, state=query.state)]
    return list(copies.values_list("pk", "application_form_id"))
