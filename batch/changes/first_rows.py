"""The first rows of pools that a save brings onto the form, so that a person begins with a row to fill in. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from batch.changes.changeset import Changeset
from batch.changes.mutators.pools import RowMutator
from copies.changes import Cause
from copies.document import walk_containers
from copies.paths import Path, join_path, split_path


def add_first_rows(changeset: Changeset) -> list[RowMutator]:
    """Add the minimum of rows to each pool without rows that is new on the form, or in a new row. Its question set is
    their cause. Return the added rows.
    """
    added = []
    scope, catalogue = changeset.guest_scope, changeset.catalogue
    missing = [path for path in _new_pools(changeset) if scope.has_rows(catalogue, Path(path).code)]
    for path in missing:
        row, code = split_path(path)
        pool = changeset.find_row(row).find_pool(code) if row else changeset.find_pool(code)
        known = catalogue.pools[code]
        with changeset.caused_by(Cause("rule", known.set_code)):
            added += [pool.add_empty() for _ in range(known.pool.min)]
    return added


def remove_unwanted(changeset: Changeset, rows: Iterable[RowMutator]) -> bool:
    """Remove those of ``rows`` whose question set is not on the form after all. Return whether one was removed."""
    shown = {question_set.code for question_set in changeset.document.question_sets}
    unwanted = [row for row in rows if changeset.catalogue.pools[row.pool_code].set_code not in shown]
    for row in unwanted:
        with changeset.caused_by(Cause("rule", changeset.catalogue.pools[row.pool_code].set_code)):
            row.remove()
    return bool(unwanted)


def _new_pools(changeset: Changeset) -> Iterator[str]:
    """Yield the paths of the pools without rows that the save brings onto the form and that need rows."""
    new_sets, new_rows = changeset.tracker.new_sets(), changeset.tracker.new_rows()
    if not new_sets and not new_rows:
        return
    catalogue = changeset.catalogue
    shown = {question_set.code for question_set in changeset.document.question_sets}
    for prefix, container in walk_containers(changeset.document):
        if not new_sets and prefix not in new_rows:
            continue
        for code in sorted(catalogue.nested.get(Path(prefix).pool if prefix else "", ())):
            pool = catalogue.pools[code]
            is_new = pool.set_code in new_sets or prefix in new_rows
            if is_new and pool.set_code in shown and pool.pool.min and not container.answer_pools.get(code):
                yield join_path(prefix, code)
