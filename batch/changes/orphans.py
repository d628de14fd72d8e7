"""Removes what the release no longer has in its place: stored answers, and rows of removed or moved pools. Pure.

They are found by their codes, because the catalogue does not describe them.
"""

from __future__ import annotations

from collections.abc import Sequence

from batch.changes.tracker import ChangeTracker
from batch.errors import UnknownPool, UnknownQuestion, UnknownRow
from copies.document import Container, PoolRow
from copies.paths import join_path


class Orphans:
    """The answers and pools directly in the document or one row that the release does not have there."""

    def __init__(self, tracker: ChangeTracker, container: Container, prefix: str, pool: str) -> None:
        """Made by ``Changeset.orphans`` and ``RowMutator.orphans``; ``pool`` is the row's pool, "" for the document."""
        self._tracker = tracker
        self._container = container
        self._prefix = prefix
        self._codes = tracker.catalogue.codes[pool]
        self._pools = tracker.catalogue.nested[pool]

    def has_answer(self, code: str) -> bool:
        """Return whether there is an answer to ``code``, which is not asked here."""
        return code in self._container.answers and code not in self._codes

    def rows(self, pool: str) -> Sequence[PoolRow]:
        """Return the rows of ``pool``, which is not asked here."""
        return () if pool in self._pools else self._container.answer_pools.get(pool, ())

    def remove_answer(self, code: str) -> None:
        """Remove the answer to ``code``; earlier versions still have it. Raises ``UnknownQuestion``."""
        self._tracker.require_writable()
        path = join_path(self._prefix, code)
        if not self.has_answer(code):
            raise UnknownQuestion(path)
        self._tracker.touch_answer(path, self._container.answers[code])
        del self._container.answers[code]

    def remove_row(self, pool: str, row_id: str) -> None:
        """Remove one row of ``pool`` with everything in it; earlier versions still have it. Raises ``UnknownRow``."""
        self._tracker.require_writable()
        path = join_path(self._prefix, pool, row_id)
        left = [row for row in self.rows(pool) if row.id != row_id]
        if len(left) == len(self.rows(pool)):
            raise UnknownRow(path)
        self._tracker.touch_row(path, exists=True)
        if left:
            self._container.answer_pools[pool] = left
        else:
            del self._container.answer_pools[pool]

    def remove_rows(self, pool: str) -> None:
        """Remove all rows of ``pool``. Raises ``UnknownPool``."""
        if not self.rows(pool):
            raise UnknownPool(join_path(self._prefix, pool))
        for row in list(self.rows(pool)):
            self.remove_row(pool, row.id)

    def remove(self, code: str) -> None:
        """Remove the answer to ``code`` or all rows of the pool ``code``. Raises ``UnknownQuestion``."""
        if self.rows(code):
            self.remove_rows(code)
        else:
            self.remove_answer(code)
