"""Follows changes of a document through the rules: decides anew what may have come out otherwise, in the order of the
check flow, and notes what else has to be. Pure.

A question whose visibility and answer are as before ends the way there: what reads it stands.
"""

from __future__ import annotations

from collections.abc import Collection
from heapq import heappop, heappush
from typing import Final, TypeAlias

from copies.paths import EXCLUDED, QUESTION_SETS, RESERVED, Path, is_in_document, row_steps, split_first, split_path
from rules.definition.dependency_order import set_node
from rules.definition.model import CompiledDerived, CompiledQuestion, CompiledSet, Reader
from rules.flow.stored_values import plain
from rules.flow.visibility import decide_question
from rules.incremental.lazy_state import SparseFrame, SparseState
from rules.language.kinds import DATE, TEXT, TRUTH

#: The frames in which something is to be decided, as keys; None means all.
Frames: TypeAlias = "dict[SparseFrame, None] | None"
#: Kinds of derived values that are stored just as they are, so that the stored one can be compared.
_STORED_EXACTLY: Final = (TRUTH, TEXT, DATE)


class UnprovableChange(Exception):
    """A change whose reach is not known here; the rules are run in full then."""


class Spread:
    """What a change reached. Sparse runs of ``state`` read what it did not reach from the document.

    ``moved`` are the paths of answers whose value may be another, ``decided`` all that were decided; ``short_pools``
    are the rows that may be too few now, as (around them, pool), ``sets`` the question sets that may come, go, be
    complete or not. ``gone`` are prefixes of rows under which nothing said before holds. ``related`` and ``form_rules``
    are by place, ``products`` the parts of products by code.
    """

    def __init__(self, state: SparseState, derived_before: dict[str, str | float | bool | None]) -> None:
        """Start with nothing reached; ``derived_before`` are the derived values as they were stored."""
        self.state = state
        self.moved: set[str] = set()
        self.decided: set[str] = set()
        self.derived: set[str] = set()
        self.products: dict[str, set[int]] = {}
        self.sets: set[str] = set()
        self.related: dict[int, Frames] = {}
        self.form_rules: dict[int, Frames] = {}
        self.short_pools: set[tuple[SparseFrame, str]] = set()
        self.gone: tuple[str, ...] = ()
        self.is_eligibility_moved = False
        self._derived_before = derived_before
        self._dependents = state.catalogue.dependents
        self._changed: set[str] = set()
        self._waiting: dict[int, Frames] = {}
        self._order: list[int] = []

    def run(self, changed: Collection[str]) -> None:
        """Follow ``changed`` (paths) to the end. Raises ``UnprovableChange``."""
        self._changed.update(changed)
        for path in changed:
            self._begin(path)
        steps = self.state.catalogue.steps
        while self._order:
            place = heappop(self._order)
            step, frames = steps[place], self._waiting.pop(place)
            if isinstance(step, CompiledQuestion):
                self._question(step, frames)
            elif isinstance(step, CompiledSet):
                self._set(step, frames)
            else:
                self._derived(step)

    # Where it begins

    def _begin(self, path: str) -> None:
        first, rest = split_first(path)
        if not rest:
            self._begin_answer(self.state.top, path)
        elif first == QUESTION_SETS:
            if rest not in self.state.catalogue.sets:
                raise UnprovableChange(path)
            self.sets.add(rest)
        elif first == EXCLUDED:
            self.is_eligibility_moved = True
            for place in self._dependents.gated.get(rest, ()):
                self._push(place, None)
        elif first not in RESERVED and is_in_document(path):
            self._begin_below(path)

    def _begin_answer(self, frame: SparseFrame, code: str) -> None:
        question = self.state.catalogue.questions.get(code)
        if question is None or question.pool != frame.pool:
            raise UnprovableChange(code)
        self._push(self._dependents.steps[code], {frame: None})

    def _begin_below(self, path: str) -> None:
        frame: SparseFrame = self.state.top
        for pool, row_id in row_steps(path):
            part = self.state.catalogue.pools.get(pool)
            if part is None or part.pool.parent != frame.pool:
                raise UnprovableChange(pool)
            row = frame.row(pool, row_id)
            if row is None:
                self._begin_rows(frame, pool, f"{frame.prefix}{pool}/{row_id}/")
                return
            frame = row
        if Path(path).is_answer:
            self._begin_answer(frame, split_path(path)[1])
        elif frame.parent is not None:
            self._require_known_codes(frame)
            self._begin_rows(frame.parent, frame.pool, frame.prefix)
            self._spread_into(frame.pool, {frame: None})

    def _begin_rows(self, owner: SparseFrame, pool: str, prefix: str) -> None:
        """Begin with a row that came or went."""
        self.gone += (prefix,)
        self.short_pools.add((owner, pool))
        self._spread(pool, {owner: None})
        self._begin_nested(pool)

    def _begin_nested(self, pool: str) -> None:
        """Go on with what came or went inside such a row: a rate table names the nested pool alone."""
        part = self.state.catalogue.pools[pool]
        self.sets.add(part.set_code)
        for child in part.children:
            self._spread(child, {})
            self._begin_nested(child)

    def _require_known_codes(self, frame: SparseFrame) -> None:
        """Raise ``UnprovableChange`` for a row that brings answers to questions which the release does not have."""
        if not frame.answers.keys() <= self.state.catalogue.codes[frame.pool]:
            raise UnprovableChange(frame.prefix)
        for child in self.state.catalogue.pools[frame.pool].children:
            for row in frame.rows_of(child):
                self._require_known_codes(row)

    # The steps

    def _question(self, question: CompiledQuestion, waiting: Frames) -> None:
        state, code, slot = self.state, question.question.code, question.slot
        frames = self.in_order(waiting, question.pool)
        for frame in frames:
            frame.values[slot] = None
        is_set_shown = bool(question.pool) or state.is_set_shown(question.set_code)
        decide_question(state, question, frames, is_set_shown=is_set_shown)
        moved: dict[SparseFrame, None] = {}
        for frame in frames:
            path, answer = f"{frame.prefix}{code}", frame.answers.get(code)
            self.decided.add(path)
            was_shown = answer is not None and answer.active
            if path in self._changed or frame.is_new or was_shown != (frame.values[slot] is not None):
                self.moved.add(path)
                moved[frame] = None
        if moved:
            self._spread(code, moved)

    def _set(self, part: CompiledSet, waiting: Frames) -> None:
        self.sets.add(part.question_set.code)
        if not part.pool:
            for question in part.question_set.questions:
                self._push(self._dependents.steps[question.code], None)
            return
        owners = dict.fromkeys(self.in_order(waiting, part.parent))
        self.short_pools.update((owner, part.pool) for owner in owners)
        self._spread(part.pool, owners)
        self._spread_into(part.pool, {row: None for owner in owners for row in owner.rows_of(part.pool)})

    def _derived(self, part: CompiledDerived) -> None:
        code = part.derived.code
        value = self.state.root[part.slot] = part.value.evaluate(self.state.root)
        self.derived.add(code)
        before = self._derived_before.get(code)
        if part.value.kind not in _STORED_EXACTLY or before is None or plain(value) != before:
            self._spread(code, {self.state.top: None})

    # The way on

    def _spread(self, code: str, frames: dict[SparseFrame, None]) -> None:
        """Let all that reads ``code`` be decided anew, after it changed in ``frames``."""
        if code == self.state.catalogue.definition.lines_question:
            self.is_eligibility_moved = True
        readers = self._dependents.readers.get(code)
        if readers is None:
            return
        for reader in readers.steps:
            self._push(reader.place, self._where(reader, frames))
        for reader in readers.related:
            _add(self.related, reader.place, self._where(reader, frames))
        for reader in readers.form_rules:
            _add(self.form_rules, reader.place, self._where(reader, frames))
        for product, parts in readers.products.items():
            self.products.setdefault(product, set()).update(parts)

    def _spread_into(self, pool: str, rows: dict[SparseFrame, None]) -> None:
        """Let all that is asked in ``rows`` be decided anew, after they came or were shown or hidden."""
        catalogue = self.state.catalogue
        part = catalogue.pools[pool]
        for code in part.questions:
            self._push(self._dependents.steps[code], rows)
        for place in self._dependents.form_rules.get(pool, ()):
            _add(self.form_rules, place, rows)
        for child in part.children:
            self._push(self._dependents.steps[set_node(catalogue.pools[child].set_code)], rows)

    def _where(self, reader: Reader, frames: dict[SparseFrame, None]) -> Frames:
        if not reader.is_local:
            return None
        return dict.fromkeys(self.state.rows_below(list(frames), reader.pool))

    def _push(self, place: int, frames: Frames) -> None:
        if place not in self._waiting:
            heappush(self._order, place)
        _add(self._waiting, place, frames)

    def in_order(self, frames: Frames, pool: str) -> list[SparseFrame]:
        """Return ``frames`` (all of ``pool`` where None) in the order of the form."""
        if frames is None:
            return list(self.state.rows_below([self.state.top], pool)) if pool else [self.state.top]
        return sorted(frames, key=lambda frame: frame.key) if len(frames) > 1 else list(frames)


def _add(waiting: dict[int, Frames], place: int, frames: Frames) -> None:
    there = waiting.get(place, {})
    waiting[place] = None if there is None or frames is None else there | frames
