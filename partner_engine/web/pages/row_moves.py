"""What an order for one row changes on the page: the row itself, its place, and the counts around it. Pure.

Without this a new row of a long pool would bring its whole pool again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from copies.changes import Change
from copies.document import Document
from copies.paths import Path, row_steps
from partner_engine.web.pages.cards import long_pools
from partner_engine.web.pages.differences import Parts, changed_parts
from partner_engine.web.pages.question_counts import count_proposed
from partner_engine.web.pages.reading import Reading
from rules.definition.model import CompiledCatalogue
from rules.flow.evaluation import Evaluation


@dataclass(frozen=True)
class RowMove:
    """A row at ``path`` that an order added, put back or removed.

    ``long_before`` are the paths of the long pools around it before the order, ``proposed_before`` the numbers of
    proposed answers by the set whose card counts them.
    """

    path: str
    long_before: frozenset[str]
    is_removed: bool = False
    proposed_before: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class RowPlace:
    """Where the page inserts the row at ``path``, after the row ``after`` ("": first), or that it takes it away."""

    path: str
    after: str
    removed: bool


def with_open(reading: Reading, path: str) -> Reading:
    """Return ``reading`` with the row at ``path`` and the rows around it expanded."""
    return replace(reading, open_rows=reading.open_rows | {row_id for _, row_id in row_steps(path)})


def parts_of_move(
    reading: Reading, before: Evaluation, changes: Iterable[Change], move: RowMove
) -> tuple[Parts, RowPlace | None]:
    """Return the parts that ``move`` changed, and the place of its row if its card is not among them.

    The whole card is needed where its pools become long or short, because that folds or unfolds every row, and for
    guests who see some of the rows.
    """
    changes = list(changes)
    card = reading.top_set(move.path)
    if long_pools(reading.document, move.path) != move.long_before or not reading.reader.scope.is_whole:
        return changed_parts(reading, before, changes).with_set(card), None
    parts = changed_parts(reading, before, changes, besides=move.path)
    if proposed_in(reading.catalogue, reading.document)[card] != move.proposed_before[card]:
        # The card counts the proposed answers, also those in its rows.
        parts = parts.with_set(card)
    if card in parts.sets or not set(Path(move.path).rows_around()).isdisjoint(parts.rows):
        return parts, None
    return parts.with_row(move.path), RowPlace(move.path, _row_before(reading, move.path), move.is_removed)


def proposed_in(catalogue: CompiledCatalogue, document: Document) -> Counter[str]:
    """Return the numbers of all proposed answers of ``document`` by the set whose card counts them."""
    return count_proposed(catalogue, document, is_shown=lambda path, proposed: True)


def _row_before(reading: Reading, path: str) -> str:
    """Return the path of the row before that at ``path``, "" for the first and for a missing row."""
    pool = Path(path).parent
    container = reading.container(pool)
    before = ""
    for row in container.answer_pools.get(Path(pool).code, ()) if container else ():
        if row.id == Path(path).code:
            return before
        before = f"{pool}/{row.id}"
    return ""
