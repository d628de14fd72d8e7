"""The state of one run of the rules over one document: values by slot, rows, and results so far. Pure; used for one
run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import TypeAlias

from copies.document import Answer, AnswerValue, Container, Document
from copies.paths import split_prefix
from rules.definition.model import CompiledCatalogue, CompiledPool, Gate
from rules.flow.evaluation import AnswerState
from rules.language.values import Slots, Unknown, Value, merge
from rules.types.checks import CheckContext

#: Returns the plain value of a sealed answer at a path.
Reveal: TypeAlias = Callable[[str, Answer], AnswerValue]


class Frame:
    """The document or one row in a run. ``prefix`` is the path prefix of its answers; ``key`` sorts them in form
    order.
    """

    __slots__ = ("answers", "key", "parent", "pools", "prefix", "rows", "shown", "values")

    def __init__(
        self, container: Container, width: int, *, parent: Frame | None, prefix: str, key: tuple[int, ...]
    ) -> None:
        """Start with all values hidden."""
        self.answers = container.answers
        self.pools = container.answer_pools
        self.values: Slots = [None] * width
        self.parent = parent
        self.prefix = prefix
        self.key = key
        self.rows: dict[str, list[Frame]] = {}
        self.shown = parent is None


class State:
    """A run. ``frames`` are the rows by pool, with the document under ""; ``needed`` (paths with their purpose),
    ``faults`` and ``doubts`` (the warnings that nobody has confirmed) fill up while questions are decided.

    ``crowded_pools`` have too many rows; ``orphaned_pools`` are paths of pools that the release does not have in that
    place, with the number of their rows.

    ``undecided`` are the questions whose visibility is unknown, by path: they are not shown, and their value is
    unknown.
    """

    def __init__(self, catalogue: CompiledCatalogue, document: Document, *, as_of: date, reveal: Reveal) -> None:
        """Create the frames of ``document``; nothing is decided yet."""
        self.start(catalogue, document, as_of=as_of, reveal=reveal)
        self.top = Frame(document, catalogue.width, parent=None, prefix="", key=())
        self.root: Slots = self.top.values
        self.root[0] = as_of
        self.frames: dict[str, list[Frame]] = {"": [self.top], **{pool: [] for pool in catalogue.pools}}
        self._by_prefix: dict[str, Frame] = {"": self.top}
        for code, part in catalogue.pools.items():
            if not part.pool.parent:
                self._add_frames(document, self.top, code)

    def start(self, catalogue: CompiledCatalogue, document: Document, *, as_of: date, reveal: Reveal) -> None:
        """Start without frames and without results."""
        self.catalogue = catalogue
        self.document = document
        self.reveal = reveal
        self.check_context = CheckContext(as_of, catalogue.definition.allow_test_identities)
        self.shown_sets: set[str] = set()
        self.asked_sets: set[str] = set()
        self.undecided_sets: dict[str, Unknown] = {}
        self.undecided: dict[str, tuple[str, ...]] = {}
        self.states: list[AnswerState] = []
        self.dropped: list[str] = []
        self.needed: list[tuple[str, str]] = []
        self.short_pools: list[str] = []
        self.crowded_pools: list[tuple[Frame, CompiledPool]] = []
        self.orphaned_pools: list[tuple[str, int]] = []
        self.faults: list[tuple[str, str, str]] = []
        self.doubts: list[tuple[str, str, str]] = []
        self.open_gates: dict[Gate, bool] = {}
        self.declined_gates: dict[Gate, bool] = {}

    def visible_rows(self, pool: str) -> Iterator[Frame]:
        """Yield the visible rows of ``pool``."""
        return (frame for frame in self.frames[pool] if frame.shown)

    def missing_rows(self, pool: str) -> Unknown | None:
        """Return the rows that ``pool``, or a pool around it, needs before anything can be computed over it; None if
        it has all of them.
        """
        part = self.catalogue.pools[pool]
        missing = [
            value
            for code in (*part.ancestors, pool)
            for owner in self.visible_rows(self.catalogue.pools[code].pool.parent)
            if (value := owner.values[self.catalogue.pools[code].slot]).__class__ is Unknown
        ]
        return merge(missing) if missing else None

    def is_set_shown(self, code: str) -> Value:
        """Return whether the condition of a question set outside pools is true; Unknown while it is unknown."""
        return code in self.shown_sets or self.undecided_sets.get(code, False)

    def is_wanted(self, line: str) -> bool:
        """Return whether ``line`` is among the requested lines."""
        question = self.catalogue.questions[self.catalogue.definition.lines_question]
        wanted = self.root[question.slot]
        return wanted.__class__ is list and line in wanted

    def key(self, path: str) -> tuple[int, ...]:
        """Return the sort key of ``path`` (of a question or a pool) in the order of the form."""
        prefix, code = split_prefix(path)
        frame = self.frame_at(prefix)
        question, pool = self.catalogue.questions.get(code), self.catalogue.pools.get(code)
        if question is None and pool is None:
            # Parts that are no longer asked come last.
            return (*frame.key, len(self.catalogue.sets) + 1)
        order = self.catalogue.sets[question.set_code if question else pool.set_code].order  # type: ignore[union-attr]
        if question:
            return (*frame.key, 0 if prefix else order, question.order)
        # In a row the questions come before the pools nested in it.
        return (*frame.key, 1, order) if prefix else (order,)

    def frame_at(self, prefix: str) -> Frame:
        """Return the document ("") or the row with the path prefix ``prefix``."""
        return self._by_prefix[prefix]

    def _add_frames(self, container: Container, frame: Frame, pool: str) -> None:
        part = self.catalogue.pools[pool]
        order = self.catalogue.sets[part.set_code].order
        above = (*frame.key, order) if frame is self.top else (*frame.key, 1, order)
        rows = []
        for position, row in enumerate(container.answer_pools.get(pool, ())):
            prefix = f"{frame.prefix}{pool}/{row.id}/"
            below = Frame(row, part.width, parent=frame, prefix=prefix, key=(*above, position))
            self._by_prefix[prefix] = below
            rows.append(below)
            for child in part.children:
                self._add_frames(row, below, child)
        frame.rows[pool] = rows
        self.frames[pool] += rows
