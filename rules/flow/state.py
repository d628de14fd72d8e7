"""One run of the rules over one document: its values by slot, its rows, and what was concluded so far. Pure; used
once and thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import TypeAlias

from copies.document import Answer, AnswerValue, Container, Document
from copies.paths import split_prefix
from rules.definition.model import CompiledCatalogue, CompiledQuestion, Gate
from rules.flow.evaluation import AnswerState
from rules.language.values import Slots
from rules.types.validators import Setting

#: Gives the plain value of a sealed answer at a path.
Reveal: TypeAlias = Callable[[str, Answer], AnswerValue]


class Frame:
    """The document or one row in a run. ``prefix`` starts the paths of its answers, ``key`` sorts them in the order
    of the form.
    """

    __slots__ = ("answers", "key", "parent", "prefix", "rows", "shown", "values")

    def __init__(
        self, container: Container, width: int, *, parent: Frame | None, prefix: str, key: tuple[int, ...]
    ) -> None:
        """Start with everything hidden."""
        self.answers = container.answers
        self.values: Slots = [None] * width
        self.parent = parent
        self.prefix = prefix
        self.key = key
        self.rows: dict[str, list[Frame]] = {}
        self.shown = parent is None


class State:
    """A run. ``frames`` are the rows by pool, with the document under ""; ``needed`` and ``faults`` are collected
    while questions are decided.
    """

    def __init__(self, catalogue: CompiledCatalogue, document: Document, *, as_of: date, reveal: Reveal) -> None:
        """Lay out frames for ``document``; nothing is decided yet."""
        self.start(catalogue, document, as_of=as_of, reveal=reveal)
        self.top = Frame(document, catalogue.width, parent=None, prefix="", key=())
        self.root: Slots = self.top.values
        self.root[0] = as_of
        self.frames: dict[str, list[Frame]] = {"": [self.top], **{pool: [] for pool in catalogue.pools}}
        self._by_prefix: dict[str, Frame] = {"": self.top}
        for code, part in catalogue.pools.items():
            if not part.pool.parent:
                self._lay_out(document, self.top, code)

    def start(self, catalogue: CompiledCatalogue, document: Document, *, as_of: date, reveal: Reveal) -> None:
        """Start without frames, and with nothing concluded."""
        self.catalogue = catalogue
        self.document = document
        self.reveal = reveal
        self.setting = Setting(as_of, catalogue.definition.allow_test_identities)
        self.shown_sets: set[str] = set()
        self.asked_sets: set[str] = set()
        self.states: list[AnswerState] = []
        self.dropped: list[str] = []
        self.needed: list[tuple[str, CompiledQuestion]] = []
        self.short_pools: list[str] = []
        self.faults: list[tuple[str, str, str]] = []
        self.open_gates: dict[Gate, bool] = {}
        self.declined_gates: dict[Gate, bool] = {}

    def visible_rows(self, pool: str) -> Iterator[Frame]:
        """Yield the rows of ``pool`` that count."""
        return (frame for frame in self.frames[pool] if frame.shown)

    def is_wanted(self, line: str) -> bool:
        """Tell whether the line is among the answers of the catalogue's lines question."""
        question = self.catalogue.questions[self.catalogue.definition.lines_question]
        wanted = self.root[question.slot]
        return wanted.__class__ is list and line in wanted

    def key(self, path: str) -> tuple[int, ...]:
        """Return what sorts ``path`` (of a question or a pool) in the order of the form."""
        prefix, code = split_prefix(path)
        frame = self.frame_at(prefix)
        question = self.catalogue.questions.get(code)
        order = self.catalogue.sets[question.set_code if question else self.catalogue.pools[code].set_code].order
        if question:
            return (*frame.key, 0 if prefix else order, question.order)
        # In a row the questions come before the pools nested in it.
        return (*frame.key, 1, order) if prefix else (order,)

    def frame_at(self, prefix: str) -> Frame:
        """Return the document ("") or the row whose paths start with ``prefix``."""
        return self._by_prefix[prefix]

    def _lay_out(self, container: Container, frame: Frame, pool: str) -> None:
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
                self._lay_out(row, below, child)
        frame.rows[pool] = rows
        self.frames[pool] += rows
