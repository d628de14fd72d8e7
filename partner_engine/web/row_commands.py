"""Commands of the form page on rows of answer pools: add, duplicate, remove, put back, and discard."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from batch.changes.changeset import Changeset
from batch.changes.mutators.pools import PoolMutator, RowMutator
from batch.errors import UnknownPool, UnknownQuestion, UnknownRow
from copies.document import AnswerValue, PoolRow
from copies.history import changes_of, list_revisions
from copies.paths import Path, join_path, split_path
from partner_engine.web.visitors import Visitor
from rules.definition.model import CompiledCatalogue
from tenants.access import Actor


def find_pool(changeset: Changeset, path: str) -> PoolMutator:
    """Return the pool at ``path`` (``pool[/<row id>/pool]``). Raises ``UnknownPool`` or ``UnknownRow``."""
    if not Path(path).is_answer:
        raise UnknownPool(path)
    row, code = split_path(path)
    return changeset.find_row(row).find_pool(code) if row else changeset.find_pool(code)


def find_row(changeset: Changeset, path: str) -> RowMutator:
    """Return the row at ``path`` (``pool/<row id>[...]``). Raises ``UnknownPool`` or ``UnknownRow``."""
    pool, row_id = split_path(path)
    return find_pool(changeset, pool).find_row(row_id)


def add(changeset: Changeset, path: str) -> RowMutator:
    """Add an empty row to the pool at ``path``. Raises ``PoolIsFull``."""
    return find_pool(changeset, path).add()


def duplicate(changeset: Changeset, path: str) -> RowMutator:
    """Add a copy of the row at ``path`` to its pool. Raises ``PoolIsFull``.

    Secret answers are not copied, because they belong to one person or thing; nor is any answer that the visitor may
    not read, because the copy makes them its author.
    """
    pool_path, row_id = split_path(path)
    pool = find_pool(changeset, pool_path)
    for row in pool.rows_below():
        if row.id == row_id:
            return pool.add(**_api_shape(row, path, changeset))
    raise UnknownRow(path)


def remove(changeset: Changeset, path: str) -> None:
    """Remove the row at ``path`` with its answers and nested rows."""
    find_row(changeset, path).remove()


def discard(changeset: Changeset, path: str, *, visitor: Visitor) -> None:
    """Remove what is no longer asked at ``path``: an answer, or all rows of a pool.

    Raises ``UnknownQuestion``, also for guests, who do not see it.
    """
    if visitor.guest is not None:
        raise UnknownQuestion(path)
    changeset.remove_orphan(path)


def put_back(changeset: Changeset, path: str, *, copy_id: UUID, version: int, visitor: Visitor) -> RowMutator:
    """Restore the row at ``path`` from the copy's ``version``. Raises ``UnknownRow`` or ``NotFound``.

    A guest can restore only rows that they removed themselves, because guests must not read earlier versions.
    """
    if visitor.guest is not None and not _has_removed(visitor.actor, path, copy_id=copy_id, version=version + 1):
        raise UnknownRow(path)
    then = visitor.find(copy_id, version=version, under_current_release=True).read_only_changeset()
    pool_path, row_id = split_path(path)
    for position, row in enumerate(find_pool(then, pool_path).rows_below()):
        if row.id == row_id:
            return find_pool(changeset, pool_path).put_back(row, position=position)
    raise UnknownRow(path)


def _has_removed(actor: Actor, path: str, *, copy_id: UUID, version: int) -> bool:
    """Return whether ``actor`` removed the row at ``path`` in the copy's ``version``."""
    saved = list_revisions(copy_id).filter(version=version, actor_type=actor.type, actor_id=actor.id).first()
    return saved is not None and any(change.path == path and change.after is None for change in changes_of(saved))


def _api_shape(row: PoolRow, path: str, changeset: Changeset) -> dict[str, Any]:
    """Return the row at ``path`` in the API's shape, without answers that the visitor may not read, and without what
    this release no longer asks there or would refuse.
    """
    catalogue, visibility = changeset.catalogue, changeset.visibility
    pool = split_path(split_path(path)[0])[1]
    return {
        "answers": {
            code: answer.value
            for code, answer in row.answers.items()
            if answer.is_answered
            and code in catalogue.codes[pool]
            and not visibility.hides(join_path(path, code), answer)
            and _is_accepted(catalogue, code, answer.value)
        },
        "answer_pools": {
            code: [
                _api_shape(inner, join_path(path, code, inner.id), changeset)
                for inner in rows[: catalogue.pools[code].pool.max]
            ]
            for code, rows in row.answer_pools.items()
            if code in catalogue.nested[pool] and changeset.guest_scope.has_rows(catalogue, code)
        },
    }


def _is_accepted(catalogue: CompiledCatalogue, code: str, value: AnswerValue) -> bool:
    known = catalogue.questions[code]
    return known.verdicts.fault_of(catalogue, known.question, value) is None
