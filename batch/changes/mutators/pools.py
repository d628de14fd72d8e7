"""The mutators of answer pools and their rows. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from batch.changes.input import plan_row
from batch.changes.mutators.answers import AnswerMutator
from batch.changes.open_values import protect_open_values
from batch.changes.orphans import Orphans
from batch.changes.tracker import ChangeTracker
from batch.errors import PoolIsFull, UnknownPool, UnknownQuestion, UnknownRow
from copies.document import Container, PoolRow, walk_containers
from copies.paths import join_path
from rules.definition.catalogue import Pool


class RowMutator:
    """One row of a pool. Stale after the save."""

    def __init__(self, tracker: ChangeTracker, pool: PoolMutator, row: PoolRow) -> None:
        """Made by ``PoolMutator``."""
        self._tracker = tracker
        self._pool = pool
        self._row = row
        self.path = join_path(pool.path, row.id)

    @property
    def id(self) -> str:
        """Return the row's id, the same in all copies of the form."""
        self._tracker.require_open()
        return self._row.id

    @property
    def pool_code(self) -> str:
        """Return the code of the pool that the row is in."""
        return self._pool.code

    def find_answer(self, code: str) -> AnswerMutator:
        """Return the mutator of question ``code`` in this row. Raises ``UnknownQuestion``."""
        self._tracker.require_open()
        question = self._tracker.catalogue.questions.get(code)
        if question is None or question.pool != self._pool.code:
            raise UnknownQuestion(join_path(self.path, code))
        return AnswerMutator(self._tracker, self._row, self.path, question.question)

    @property
    def orphans(self) -> Orphans:
        """Return the answers and pools in this row that the release does not have there."""
        self._tracker.require_open()
        return Orphans(self._tracker, self._row, self.path, self._pool.code)

    def find_pool(self, code: str) -> PoolMutator:
        """Return the pool ``code`` nested in this row. Raises ``UnknownPool``."""
        self._tracker.require_open()
        return open_pool(self._tracker, self._row, self.path, code, parent=self._pool.code)

    def remove(self) -> None:
        """Remove the row with all answers in it; earlier versions still have it."""
        self._tracker.require_writable()
        self._tracker.touch_row(self.path, exists=True)
        self._pool.rows_below().remove(self._row)


class PoolMutator:
    """One pool, at the top of the document or inside a row. Stale after the save."""

    def __init__(self, tracker: ChangeTracker, container: Container, prefix: str, pool: Pool) -> None:
        """Made by ``Changeset.find_pool`` and ``RowMutator.find_pool``."""
        self._tracker = tracker
        self._container = container
        self._pool = pool
        self.code = pool.code
        self.path = join_path(prefix, pool.code)

    @property
    def rows(self) -> list[RowMutator]:
        """Return the rows in order."""
        self._tracker.require_open()
        return [RowMutator(self._tracker, self, row) for row in self._container.answer_pools.get(self.code, ())]

    def find_row(self, row_id: str) -> RowMutator:
        """Return the row with ``row_id``, in any case of letters. Raises ``UnknownRow``."""
        self._tracker.require_open()
        wanted = (row_id, row_id.lower())
        for row in self._container.answer_pools.get(self.code, ()):
            if row.id in wanted:
                return RowMutator(self._tracker, self, row)
        raise UnknownRow(join_path(self.path, row_id))

    def add(
        self,
        *,
        answers: Mapping[str, object] | None = None,
        answer_pools: Mapping[str, object] | None = None,
    ) -> RowMutator:
        """Add a row at the end, with ``answers`` by code and nested ``answer_pools`` in the shape of the API.

        Raises ``PoolIsFull``, or ``InvalidAnswers`` with every fault; then no row was added.
        """
        self._tracker.require_writable()
        self.require_room()
        row = self.add_empty()
        try:
            plan_row(self._tracker, row, answers=answers or {}, answer_pools=answer_pools or {}).carry_out()
        except Exception:
            row.remove()
            raise
        return row

    def add_empty(self) -> RowMutator:
        """Add an empty row whatever the pool's limit says; ``apply_answers`` has checked it."""
        self._tracker.require_writable()
        row = PoolRow(id=self._tracker.new_row_id(), created_at=self._tracker.now)
        mutator = RowMutator(self._tracker, self, row)
        self._tracker.touch_row(mutator.path, exists=False)
        self.rows_below().append(row)
        return mutator

    def put_back(self, row: PoolRow, *, position: int) -> RowMutator:
        """Restore a removed ``row`` of an earlier version at ``position``, with all answers in it.

        Its sealed answers stay valid; plain ones are sealed if their questions are secret by now. A row that exists is
        left unchanged. Raises ``PoolIsFull``.
        """
        self._tracker.require_writable()
        if any(there.id == row.id for there in self.rows_below()):
            return self.find_row(row.id)
        self.require_room()
        mutator = RowMutator(self._tracker, self, row)
        protect_open_values(self._tracker, row, mutator.path)
        self._tracker.touch_row(mutator.path, exists=False)
        self.rows_below().insert(position, row)
        return mutator

    def take_over(self, row: PoolRow, *, position: int) -> RowMutator:
        """Add the ``row`` of another copy at ``position``, with its id and all answers in it, as changes of the row and
        of each answer. Its sealed answers must be sealed for their places here already.

        Raises ``PoolIsFull``.
        """
        self._tracker.require_writable()
        self.require_room()
        mutator = RowMutator(self._tracker, self, row)
        protect_open_values(self._tracker, row, mutator.path)
        for path, container in walk_containers(row, mutator.path):
            self._tracker.touch_row(path, exists=False)
            for code in container.answers:
                self._tracker.touch_answer(join_path(path, code), None)
        self.rows_below().insert(position, row)
        return mutator

    def require_room(self, *, for_rows: int = 1) -> None:
        """Raise ``PoolIsFull`` where the catalogue does not allow ``for_rows`` more rows."""
        if len(self._container.answer_pools.get(self.code, ())) + for_rows > self._pool.max:
            raise PoolIsFull(self.path, self._pool.max)

    def rows_below(self) -> list[PoolRow]:
        """Return the row structs themselves; for mutators only."""
        return self._container.answer_pools.setdefault(self.code, [])


def open_pool(tracker: ChangeTracker, container: Container, prefix: str, code: str, *, parent: str) -> PoolMutator:
    """Return the mutator of pool ``code`` in ``container``, a row of pool ``parent`` ("" for the document).

    Raises ``UnknownPool``.
    """
    pool = tracker.catalogue.pools.get(code)
    if pool is None:
        raise UnknownPool(join_path(prefix, code))
    if pool.pool.parent != parent:
        where = f"inside a row of {pool.pool.parent!r}" if pool.pool.parent else "at the top"
        raise UnknownPool(join_path(prefix, code), f": it belongs {where}")
    return PoolMutator(tracker, container, prefix, pool.pool)
