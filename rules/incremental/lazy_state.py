"""The lazy state of a partial run: values, rows and visibility are read from the document when they are first needed.
Pure; used for one run.

The document is as the check flow left it: a visible question has an active entry, a hidden one has none or an inactive
one. An unchanged value is therefore read instead of decided.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from copies.document import Answer, Container, Document, PoolRow
from copies.narrow_document import NarrowRow
from copies.paths import row_steps
from rules.definition.model import CompiledCatalogue, CompiledDerived, CompiledQuestion
from rules.flow.evaluation import Evaluation
from rules.flow.shown_questions import SEALED, pool_value, raw_value
from rules.flow.state import Frame, Reveal, State
from rules.language.values import Unknown, Value


class LazyFrame(Frame):
    """The document or one row; ``pool`` is the row's pool, ``position`` its index in the pool.

    ``is_new`` is True for an added row and all rows inside it.
    """

    __slots__ = ("_rows", "_shown_pools", "_state", "container", "is_new", "pool", "position")

    parent: LazyFrame | None

    def __init__(
        self, state: LazyState, container: Container, pool: str, *, parent: LazyFrame | None, prefix: str
    ) -> None:  # fmt: skip
        self._state = state
        self.position = 0
        self._shown_pools: dict[str, Value] = {}
        self._rows: dict[str, list[LazyFrame]] = {}
        self.container = container
        self.pool = pool
        self.answers = container.answers
        self.pools = container.answer_pools
        self.parent = parent
        self.prefix = prefix
        self.is_new: bool = parent is not None and (parent.is_new or prefix in state.new_rows)

    def __getattr__(self, name: str) -> Any:
        """Compute an attribute on first use."""
        match name:
            case "values":
                self.values = LazyValues(self)
                return self.values
            case "shown":
                self.shown = self.parent is None or self.parent.shows(self.pool)
                return self.shown
            case "key":
                self.key = self._key()
                return self.key
        raise AttributeError(name)

    def close(self) -> None:
        """Let go of the state, of the values and of the rows."""
        del self._state, self._rows
        self.values = []

    def rows_of(self, pool: str) -> list[LazyFrame]:
        """Return the rows of ``pool`` in this document or row."""
        if pool not in self._rows:
            rows = self.container.answer_pools.get(pool, ())
            self._rows[pool] = [
                self._state.frame_of(row, pool, parent=self, position=position) for position, row in enumerate(rows)
            ]
        return self._rows[pool]

    def row(self, pool: str, row_id: str) -> LazyFrame | None:
        """Return the row ``row_id`` of ``pool``, or None."""
        for position, row in enumerate(self.container.answer_pools.get(pool, ())):
            if row.id == row_id:
                return self._state.frame_of(row, pool, parent=self, position=position)
        return None

    def shows(self, pool: str) -> bool:
        """Return whether the rows of ``pool`` in this document or row are visible."""
        return self._truth_of(pool) is True

    def _truth_of(self, pool: str) -> Value:
        """Return whether the rows of ``pool`` are visible; Unknown while their condition is."""
        if pool not in self._shown_pools:
            part = self._state.catalogue.sets[self._state.catalogue.pools[pool].set_code]
            truth: Value = self.shown
            if truth and part.when is not None:
                truth = part.when.evaluate(self._state.root, self if part.parent else None)
            self._shown_pools[pool] = truth
        return self._shown_pools[pool]

    def asks(self, question: CompiledQuestion) -> bool:
        """Return whether ``question`` is visible here, without reading its answer."""
        if self._state.undecided and f"{self.prefix}{question.question.code}" in self._state.undecided:
            return False
        if question.slot in self.values:
            return self.values[question.slot] is not None
        answer = self.answers.get(question.question.code)
        return answer is not None and answer.active is True

    def value_at(self, slot: int) -> Value:
        """Return the value of an unchanged slot."""
        part = self._state.catalogue.dependents.parts[self.pool][slot]
        if isinstance(part, CompiledQuestion):
            answer = self.answers.get(part.question.code)
            if answer is None or answer.active is not True:
                waits_for = self._state.undecided.get(f"{self.prefix}{part.question.code}")
                return Unknown(frozenset(waits_for)) if waits_for else None
            return self._state.valid_value(self, part, answer)
        if isinstance(part, CompiledDerived):
            return self._state.derived_value(part)
        pool = self._state.catalogue.pools[part]
        return pool_value(pool, self._truth_of(part), self.rows_of(part), prefix=self.prefix)

    def _key(self) -> tuple[int, ...]:
        if self.parent is None:
            return ()
        catalogue = self._state.catalogue
        order = catalogue.sets[catalogue.pools[self.pool].set_code].order
        above = (*self.parent.key, 1, order) if self.parent.prefix else (order,)
        return (*above, self.position)


class LazyValues(dict[int, Value]):
    """The values of one frame by slot: those set in this run, otherwise those of the document."""

    __slots__ = ("_frame",)

    def __init__(self, frame: LazyFrame) -> None:
        self._frame = frame

    def __missing__(self, slot: int) -> Value:
        """Read and store the value."""
        value = self[slot] = self._frame.value_at(slot)
        return value


class _LazyFrames(dict[str, list[Frame]]):
    """All rows by pool, listed on first use."""

    def __init__(self, state: LazyState) -> None:
        self._state = state

    def __missing__(self, pool: str) -> list[Frame]:
        frames = self[pool] = list(self._state.rows_below([self._state.top], pool))
        return frames


class LazyState(State):
    """A run over a document in which only some values changed. ``new_rows`` are the prefixes of added rows, ``invalid``
    the paths of the answers that had an error of their own before.

    Set a changed value before anything that depends on it is read.
    """

    top: LazyFrame

    def __init__(  # noqa: PLR0913 - the document's surroundings are four
        self,
        catalogue: CompiledCatalogue,
        document: Document,
        *,
        before: Evaluation,
        reveal: Reveal,
        new_rows: frozenset[str],
        invalid: frozenset[str],
    ) -> None:
        """Create only the frame of the document; ``before`` is the evaluation of the document before its changes."""
        self.start(catalogue, document, as_of=before.as_of, reveal=reveal)
        self.undecided = dict(before.undecided)
        self.new_rows = new_rows
        self._invalid = invalid
        self._frame_at: dict[str, LazyFrame] = {}
        self._shown: dict[str, Value] = {}
        self.top = self.frame_of(document, "", parent=None, position=0)
        self.root = self.top.values
        self.root[0] = before.as_of
        self.frames = _LazyFrames(self)
        self.frames[""] = [self.top]

    def frame_of(
        self, container: Container, pool: str, *, parent: LazyFrame | None, position: int
    ) -> LazyFrame:  # fmt: skip
        """Return the frame of ``container``, which is created once."""
        prefix = (
            f"{parent.prefix}{pool}/{container.id}/" if parent and isinstance(container, PoolRow | NarrowRow) else ""
        )
        frame = self._frame_at.get(prefix)
        if frame is None:
            frame = self._frame_at[prefix] = LazyFrame(self, container, pool, parent=parent, prefix=prefix)
            frame.position = position
        return frame

    def close(self) -> None:
        """Take the state and its frames apart, which all refer to each other: so they are freed at once, and not by the
        collector of garbage. Nothing can be read afterwards.
        """
        for frame in self._frame_at.values():
            frame.close()
        del self.frames

    def valid_value(self, frame: LazyFrame, question: CompiledQuestion, answer: Answer) -> Value:
        """Return the value of an unchanged visible answer, which is unknown if it was invalid before."""
        raw = raw_value(self, frame, question, answer)
        if raw is SEALED:
            return raw
        path = f"{frame.prefix}{question.question.code}" if raw is None or self._invalid else ""
        return Unknown(frozenset((path,))) if raw is None or path in self._invalid else question.read(raw)

    def frame_at(self, prefix: str) -> LazyFrame:
        """Return the document ("") or the row with the path prefix ``prefix``. Raises ``LookupError``."""
        if prefix not in self._frame_at:
            frame: LazyFrame | None = self.top
            for pool, row_id in row_steps(prefix):
                frame = frame.row(pool, row_id) if frame else None
            if frame is None:
                raise LookupError(prefix)
        return self._frame_at[prefix]

    def rows_below(self, frames: list[LazyFrame], pool: str) -> Iterator[LazyFrame]:
        """Yield the rows of ``pool`` in and below ``frames`` in order; ``frames`` are enclosing rows or rows of
        ``pool``.
        """
        for frame in frames:
            if frame.pool == pool:
                yield frame
                continue
            around = (*self.catalogue.pools[pool].ancestors, pool)
            below = around[around.index(frame.pool) + 1 if frame.pool else 0]
            yield from self.rows_below(frame.rows_of(below), pool)

    def is_set_shown(self, code: str) -> Value:
        """Return whether the condition of a question set outside pools is true; Unknown while it is unknown."""
        if code not in self._shown:
            when = self.catalogue.sets[code].when
            truth = True if when is None else when.evaluate(self.root)
            self._shown[code] = truth if truth.__class__ is Unknown else truth is True
        return self._shown[code]

    def derived_value(self, part: CompiledDerived) -> Value:
        """Return an unchanged derived value.

        Its inputs are computed first, in a loop: a chain of them may be longer than calls can nest.
        """
        waiting = [part]
        while True:
            step = waiting[-1]
            if step.slot in self.root:
                waiting.pop()
                continue
            inputs = (self.catalogue.derived[code] for code in self.catalogue.dependents.inputs[step.derived.code])
            missing = [made_of for made_of in inputs if made_of.slot not in self.root]
            if missing:
                waiting += missing
                continue
            value = step.value.evaluate(self.root)
            if step is part:
                return value
            self.root[step.slot] = value
