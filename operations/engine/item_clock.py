"""The clock of a chunk: which item is worked on, and since when, for the time limits that the lease's thread applies.

A step is the work on one item, or what happens between two items for all of them, such as loading and saving.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple
from uuid import UUID

from operations.kinds.refusals import ItemTookTooLong


class Overdue(NamedTuple):
    """A step that takes too long; ``item_id`` is None where it concerns all items of the chunk."""

    item_id: UUID | None


class ItemClock:
    """The clock of one chunk. The chunk's thread turns it, another thread looks at it."""

    def __init__(self, items: int, *, item_seconds: float, step_seconds: float) -> None:
        """Limit the work on an item to ``item_seconds``, and a step that concerns several ``items`` to
        ``step_seconds``.
        """
        self._item_seconds = item_seconds
        self._step_seconds = item_seconds if items == 1 else max(item_seconds, step_seconds)
        # One assignment each, so that the other thread never sees half of a turn.
        self._step: tuple[UUID | None, float] = (None, time.monotonic())

    @contextmanager
    def item(self, item_id: UUID) -> Iterator[None]:
        """Work on one item inside the block. Raises ``ItemTookTooLong`` at its end, where that took too long."""
        began = time.monotonic()
        self._step = (item_id, began)
        try:
            yield
        finally:
            self.next_step()
        if time.monotonic() - began > self._item_seconds:
            raise ItemTookTooLong

    def next_step(self) -> None:
        """Begin a step for all items."""
        self._step = (None, time.monotonic())

    def overdue(self) -> Overdue | None:
        """Return the present step if it takes too long."""
        item_id, began = self._step
        limit = self._step_seconds if item_id is None else self._item_seconds
        return Overdue(item_id) if time.monotonic() - began > limit else None
