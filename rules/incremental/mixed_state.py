"""Decides mixtures of two decided documents: any selection of the changes between them, value by value and only as far
as something is read. Pure.

What selections have in common is decided once: a value is shared by all selections with the same changes that can
reach it (``rules.incremental.reach``). ``check_flow.run`` on ``Mixture.document`` is the definition of the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from copies.diff import Keys
from copies.document import Answer, AnswerValue, Document, PoolRow
from copies.paths import Path
from copies.row_matching import IsComparable
from rules.definition.model import CompiledCatalogue, CompiledDerived, CompiledQuestion, Gate
from rules.flow.eligibility import is_open
from rules.flow.evaluation import Evaluation
from rules.flow.shown_questions import decide_question
from rules.flow.state import Reveal
from rules.incremental.lazy_state import LazyFrame, LazyState, LazyValues
from rules.incremental.merge import refusals_in
from rules.incremental.mixed_rows import MixedRow, Mixer
from rules.incremental.reach import Reach, family_of, reach_of, values_of_row
from rules.language.values import Value

#: A decided document with its evaluation and the function that reveals its sealed answers.
Decided = tuple[Document, Evaluation, Reveal]


class Mixture:
    """Two documents that were decided under one release and day, and the changes between them by ``bits``.

    A carrier question that both documents ask is asked in every selection: a mixture may be declined for reasons that
    neither document has, and is priced all the same.
    """

    def __init__(  # noqa: PLR0913 - two documents, and the changes between them
        self,
        catalogue: CompiledCatalogue,
        left: Decided,
        right: Decided,
        *,
        keys: Keys,
        bits: Mapping[str, int],
        comparable: IsComparable,
    ) -> None:
        self.catalogue = catalogue
        self.left, self.before, self._reveal_left = left
        self._reveal_right = right[2]
        ends = [_decided_state(catalogue, *end) for end in (left, right)]
        mixer = Mixer(keys, bits, comparable=comparable)
        self.root = mixer.mix(ends[0].top, ends[1].top)
        self._sealed = mixer.sealed
        self.open_gates = _gates_open_in(ends)
        self._reaches = _reaches_of(catalogue, mixer, self.open_gates)
        #: The changes that can reach each code.
        self.masks: dict[str, int] = {}
        for bit, reach in self._reaches:
            for code in reach:
                self.masks[code] = self.masks.get(code, 0) | bit
        self.reached = self.masks.keys() | mixer.one_sided
        self.undecided = {
            path: waits_for for path, waits_for in self.before.undecided.items() if Path(path).code not in self.reached
        }
        self.invalid = frozenset(refusal.path for refusal in refusals_in(catalogue, self.before.messages))
        self.slot_masks = [self._mask_of_slot(part) for part in catalogue.dependents.parts[""]]
        self.values: dict[tuple[int, int], Value] = {}
        self.frames: dict[tuple[str, int], MixedFrame] = {}
        self._row_masks = {pool: _RowMasks(catalogue, pool, self._reaches) for pool in catalogue.pools}
        self._states: dict[int, MixedState] = {}

    def state(self, mask: int) -> MixedState:
        """Return the state of the selection ``mask``."""
        state = self._states.get(mask)
        if state is None:
            state = self._states[mask] = MixedState(self, mask)
        return state

    def document(self, mask: int) -> Document:
        """Return the document of the selection ``mask``, not decided yet."""
        whole = self.root.container(mask)
        return Document(
            answers=whole.answers,
            answer_pools=whole.answer_pools,
            question_sets=self.left.question_sets,
            forced_excluded_products=self.left.forced_excluded_products,
            agent_bypassed_products=self.left.agent_bypassed_products,
        )

    def rows(self, pool: str) -> list[MixedRow]:
        """Return all rows of ``pool`` in any selection."""
        rows = [self.root]
        for code in (*self.catalogue.pools[pool].ancestors, pool):
            rows = [inner for row in rows for inner in row.pools.get(code, ())]
        return rows

    def mask_of(self, codes: Iterable[str]) -> int:
        """Return the changes that can reach one of ``codes``."""
        mask = 0
        for code in codes:
            mask |= self.masks.get(code, 0)
        return mask

    def mask_of_row(self, pool: str, prefix: str) -> int:
        """Return the changes that can reach a value in or below the row at ``prefix``."""
        return self._row_masks[pool].of(prefix)

    def reveal(self, path: str, answer: Answer) -> AnswerValue:
        """Return the plain value of a sealed answer of either document."""
        right = self._sealed.get(id(answer))
        return self._reveal_left(path, answer) if right is None else self._reveal_right(right, answer)

    def _mask_of_slot(self, part: CompiledQuestion | CompiledDerived | str) -> int:
        if isinstance(part, CompiledQuestion):
            return self.masks.get(part.question.code, 0)
        if isinstance(part, CompiledDerived):
            return self.masks.get(part.derived.code, 0)
        return self.mask_of(family_of(self.catalogue, part)) if part else 0


class MixedState(LazyState):
    """The run of one selection of changes."""

    def __init__(self, mixture: Mixture, mask: int) -> None:
        """Create only the frame of the document."""
        self.start(mixture.catalogue, mixture.left, as_of=mixture.before.as_of, reveal=mixture.reveal)
        self.mixture = mixture
        self.mask = mask
        self.undecided = dict(mixture.undecided)
        self.open_gates = dict(mixture.open_gates)
        self.new_rows = frozenset()
        self._invalid = mixture.invalid
        self._shown: dict[str, Value] = {}
        self.top = MixedFrame(self, mixture.root, parent=None)
        self.root = self.top.values = _SharedValues(self.top)
        self.root[0] = mixture.before.as_of
        self.frames = _MixedFrames(self)

    def frame(self, row: MixedRow) -> LazyFrame:
        """Return the frame of the document or of a row, which must be in the selection."""
        return self.top if row.owner is None else self.frame_of_row(row, parent=self.frame(row.owner))

    def frame_of_row(self, row: MixedRow, *, parent: LazyFrame) -> MixedFrame:
        """Return the frame of a row; it is shared by the selections with the same changes of its values."""
        key = (row.prefix, self.mask & self.mixture.mask_of_row(row.pool, row.prefix))
        frame = self.mixture.frames.get(key)
        if frame is None:
            frame = self.mixture.frames[key] = MixedFrame(self, row, parent=parent)
        return frame


class MixedFrame(LazyFrame):
    """The document or a row in one selection of changes; values that a change can reach are decided anew."""

    __slots__ = ("mixed",)

    _state: MixedState

    def __init__(self, state: MixedState, mixed: MixedRow, *, parent: LazyFrame | None) -> None:
        container = PoolRow(id=mixed.identity, answers=mixed.answers_in(state.mask))
        super().__init__(state, container, mixed.pool, parent=parent, prefix=mixed.prefix)
        self.mixed = mixed

    def rows_of(self, pool: str) -> list[LazyFrame]:
        """Return the rows of ``pool`` in the selection."""
        if pool not in self._rows:
            state, rows = self._state, self.mixed.pools.get(pool, ())
            self._rows[pool] = [state.frame_of_row(row, parent=self) for row in rows if row.is_in(state.mask)]
        return self._rows[pool]

    def value_at(self, slot: int) -> Value:
        """Return the value of a slot."""
        state = self._state
        part = state.catalogue.dependents.parts[self.pool][slot]
        if not isinstance(part, CompiledQuestion) or part.question.code not in state.mixture.reached:
            return super().value_at(slot)
        self.values[slot] = None
        decide_question(state, part, [self], is_set_shown=bool(part.pool) or state.is_set_shown(part.set_code))
        return self.values[slot]


class _SharedValues(LazyValues):
    """The values of the document, shared by the selections with the same changes of each."""

    __slots__ = ("_mask", "_mixture")

    def __init__(self, frame: MixedFrame) -> None:
        super().__init__(frame)
        self._mixture = frame._state.mixture
        self._mask = frame._state.mask

    def __missing__(self, slot: int) -> Value:
        """Read or decide the value."""
        key = (slot, self._mask & self._mixture.slot_masks[slot])
        shared = self._mixture.values
        if key in shared:
            value = self[slot] = shared[key]
        else:
            value = self[slot] = shared[key] = self._frame.value_at(slot)
        return value


class _MixedFrames(dict[str, Any]):
    """All rows by pool, listed on first use."""

    def __init__(self, state: MixedState) -> None:
        self._state = state
        self[""] = [state.top]

    def __missing__(self, pool: str) -> Any:
        frames = self[pool] = list(self._state.rows_below([self._state.top], pool))
        return frames


class _RowMasks:
    """The changes that can reach the rows of one pool, or anything inside them."""

    def __init__(self, catalogue: CompiledCatalogue, pool: str, reaches: Sequence[tuple[int, Reach]]) -> None:
        self._everywhere = 0
        self._at: dict[str, int] = {}
        self._around: dict[str, int] = {}
        self._known: dict[str, int] = {}
        family = frozenset(family_of(catalogue, pool))
        for bit, reach in reaches:
            for scope in {reach[code] for code in family.intersection(reach)}:
                if not scope:
                    self._everywhere |= bit
                    continue
                self._at[scope] = self._at.get(scope, 0) | bit
                for around in _prefixes(scope):
                    self._around[around] = self._around.get(around, 0) | bit

    def of(self, prefix: str) -> int:
        """Return the changes that can reach a value in or below the row at ``prefix``."""
        mask = self._known.get(prefix)
        if mask is None:
            mask = self._everywhere | self._around.get(prefix, 0)
            for around in _prefixes(prefix) if self._at else ():
                mask |= self._at.get(around, 0)
            self._known[prefix] = mask
        return mask


def _prefixes(prefix: str) -> Iterable[str]:
    """Return ``prefix`` and the prefixes of the rows around it."""
    return [f"{row}/" for row in Path(prefix).rows_around()]


def _gates_open_in(states: Sequence[LazyState]) -> dict[Gate, bool]:
    """Return the gates of carrier questions that are open in all of ``states``."""
    questions = states[0].catalogue.questions.values()
    gates = {gate for question in questions for gate in question.gates}
    return {gate: True for gate in gates if all(is_open(state, gate) for state in states)}


def _reaches_of(
    catalogue: CompiledCatalogue, mixer: Mixer, open_gates: Mapping[Gate, bool]
) -> list[tuple[int, Reach]]:  # fmt: skip
    """Return the reach of every change; one that adds and removes several rows has several."""
    open_questions = {
        question.question.code
        for question in catalogue.questions.values()
        if any(gate in open_gates for gate in question.gates)
    }
    reaches = [
        (bit, reach_of(catalogue, [(code, prefix)], open_questions=open_questions))
        for bit, code, prefix in mixer.changed
    ]
    for change in mixer.row_changes:
        values = values_of_row(catalogue, change.pool, owner=change.owner, row=change.row)
        reaches.append((change.bit, reach_of(catalogue, values, open_questions=open_questions)))
    return reaches


def _decided_state(catalogue: CompiledCatalogue, document: Document, before: Evaluation, reveal: Reveal) -> LazyState:
    invalid = frozenset(refusal.path for refusal in refusals_in(catalogue, before.messages))
    return LazyState(catalogue, document, before=before, reveal=reveal, new_rows=frozenset(), invalid=invalid)
