"""Follows the changes of a document through the rules: decides again everything a change may affect, in the order of
the check flow, and collects the messages, products and sets to decide. Pure.

A question whose visibility and answer are unchanged stops the chain: its readers are not decided.
"""

from __future__ import annotations

from collections.abc import Collection
from heapq import heappop, heappush
from operator import itemgetter
from typing import Final, TypeAlias

from copies.paths import EXCLUDED, QUESTION_SETS, RESERVED, Path, is_in_document, row_steps, split_first, split_path
from rules.definition.dependency_order import set_node
from rules.definition.model import CompiledDerived, CompiledQuestion, CompiledSet, Reader
from rules.flow.shown_questions import decide_question, decide_requirement
from rules.flow.stored_values import plain
from rules.incremental.lazy_state import LazyFrame, LazyState
from rules.language.kinds import DATE, TEXT, TRUTH

#: The frames in which something must be decided, as keys; None means all.
Frames: TypeAlias = "dict[LazyFrame, None] | None"
#: Kinds of derived values that are stored without conversion, so that the stored value can be compared.
_STORED_EXACTLY: Final = (TRUTH, TEXT, DATE)


class UnprovableChange(Exception):
    """A change with unknown effects; it needs a full run."""


class ChangeFollower:
    """The effects of a change on ``state``, a lazy run that reads unaffected values from the document.

    ``moved`` are the paths of answers whose value may have changed, ``decided`` all decided paths, ``required`` those
    whose requirement may have changed; ``short_pools`` are pools that may have too few or too many rows now, as
    (enclosing frame, pool); ``sets`` are the question sets that may be added, removed, completed or reopened.
    ``renewed_prefixes`` are path prefixes of rows whose earlier messages are void. ``moves_visibility`` is True if a
    question may be shown, hidden or undecided that was not before. ``related``, ``form_rules`` and ``requirements`` are
    by place, ``products`` are the affected parts by product code.
    """

    def __init__(self, state: LazyState, derived_before: dict[str, str | float | bool | None]) -> None:
        """Start without effects; ``derived_before`` are the stored derived values."""
        self.state = state
        self.moved: set[str] = set()
        self.decided: set[str] = set()
        self.required: set[str] = set()
        self.derived: set[str] = set()
        self.products: dict[str, set[int]] = {}
        self.sets: set[str] = set()
        self.related: dict[int, Frames] = {}
        self.form_rules: dict[int, Frames] = {}
        self.requirements: dict[int, Frames] = {}
        self.short_pools: set[tuple[LazyFrame, str]] = set()
        self.renewed_prefixes: tuple[str, ...] = ()
        self.moves_visibility = False
        self.is_eligibility_affected = False
        self._derived_before = derived_before
        self._dependents = state.catalogue.dependents
        self._changed: set[str] = set()
        self._waiting: dict[int, Frames] = {}
        self._order: list[int] = []

    def run(self, changed: Collection[str]) -> None:
        """Follow the paths ``changed`` to the end. Raises ``UnprovableChange``."""
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
        for place, frames in sorted(self.requirements.items(), key=itemgetter(0)):
            question = self.state.catalogue.conditional[place]
            decided = self.in_order(frames, question.pool)
            decide_requirement(self.state, question, decided)
            self.required.update(f"{frame.prefix}{question.question.code}" for frame in decided)

    # Starting points

    def _begin(self, path: str) -> None:
        first, rest = split_first(path)
        if not rest:
            self._begin_answer(self.state.top, path)
        elif first == QUESTION_SETS:
            if rest not in self.state.catalogue.sets:
                raise UnprovableChange(path)
            self.sets.add(rest)
        elif first == EXCLUDED:
            self.is_eligibility_affected = True
            for place in self._dependents.gated.get(rest, ()):
                self._push(place, None)
        elif first not in RESERVED and is_in_document(path):
            self._begin_below(path)

    def _begin_answer(self, frame: LazyFrame, code: str) -> None:
        question = self.state.catalogue.questions.get(code)
        if question is None or question.pool != frame.pool:
            raise UnprovableChange(code)
        self._push(self._dependents.steps[code], {frame: None})

    def _begin_below(self, path: str) -> None:
        frame: LazyFrame = self.state.top
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
            self._schedule_rows(frame.pool, {frame: None})

    def _begin_rows(self, owner: LazyFrame, pool: str, prefix: str) -> None:
        """Start with an added or removed row."""
        self.renewed_prefixes += (prefix,)
        self.short_pools.add((owner, pool))
        self._schedule_readers(pool, {owner: None})
        self._begin_nested(pool)

    def _begin_nested(self, pool: str) -> None:
        """Continue with the pools inside such a row: a rate table names only the nested pool."""
        part = self.state.catalogue.pools[pool]
        self.sets.add(part.set_code)
        for child in part.children:
            self._schedule_readers(child, {})
            self._begin_nested(child)

    def _require_known_codes(self, frame: LazyFrame) -> None:
        """Raise ``UnprovableChange`` for a row with answers or pools that the release does not have there."""
        catalogue = self.state.catalogue
        if not frame.answers.keys() <= catalogue.codes[frame.pool]:
            raise UnprovableChange(frame.prefix)
        if not frame.pools.keys() <= catalogue.nested[frame.pool]:
            raise UnprovableChange(frame.prefix)
        for child in self.state.catalogue.pools[frame.pool].children:
            for row in frame.rows_of(child):
                self._require_known_codes(row)

    # Steps

    def _question(self, question: CompiledQuestion, waiting: Frames) -> None:
        state, code, slot = self.state, question.question.code, question.slot
        frames = self.in_order(waiting, question.pool)
        undecided = set[str]()
        for frame in frames:
            frame.values[slot] = None
            if state.undecided.pop(f"{frame.prefix}{code}", None):
                undecided.add(frame.prefix)
        is_set_shown = bool(question.pool) or state.is_set_shown(question.set_code)
        decide_question(state, question, frames, is_set_shown=is_set_shown)
        moved: dict[LazyFrame, None] = {}
        for frame in frames:
            path, answer = f"{frame.prefix}{code}", frame.answers.get(code)
            self.decided.add(path)
            was_shown = answer is not None and answer.active
            # The answers that an undecided question waits for may be others now, so its readers are decided as well.
            is_undecided = frame.prefix in undecided or path in state.undecided
            is_shown_anew = is_undecided or was_shown != (frame.values[slot] is not None)
            self.moves_visibility |= is_shown_anew
            if is_shown_anew or path in self._changed or frame.is_new:
                self.moved.add(path)
                moved[frame] = None
        if question.required_when is not None:
            place = self._dependents.requirements_by_code[code]
            _add(self.requirements, place, None if waiting is None else dict.fromkeys(frames))
        if moved:
            self._schedule_readers(code, moved)

    def _set(self, part: CompiledSet, waiting: Frames) -> None:
        self.sets.add(part.question_set.code)
        if not part.pool:
            for question in part.question_set.questions:
                self._push(self._dependents.steps[question.code], None)
            return
        owners = dict.fromkeys(self.in_order(waiting, part.parent))
        self.short_pools.update((owner, part.pool) for owner in owners)
        self._schedule_readers(part.pool, owners)
        self._schedule_rows(part.pool, {row: None for owner in owners for row in owner.rows_of(part.pool)})

    def _derived(self, part: CompiledDerived) -> None:
        code = part.derived.code
        value = self.state.root[part.slot] = part.value.evaluate(self.state.root)
        self.derived.add(code)
        before = self._derived_before.get(code)
        if part.value.kind not in _STORED_EXACTLY or before is None or plain(value) != before:
            self._schedule_readers(code, {self.state.top: None})

    # Propagation

    def _schedule_readers(self, code: str, frames: dict[LazyFrame, None]) -> None:
        """Schedule all readers of ``code`` after it changed in ``frames``."""
        if code == self.state.catalogue.definition.lines_question:
            self.is_eligibility_affected = True
        readers = self._dependents.readers.get(code)
        if readers is None:
            return
        for reader in readers.steps:
            self._push(reader.place, self._where(reader, frames))
        for reader in readers.requirements:
            _add(self.requirements, reader.place, self._where(reader, frames))
        for reader in readers.related:
            _add(self.related, reader.place, self._where(reader, frames))
        for reader in readers.form_rules:
            _add(self.form_rules, reader.place, self._where(reader, frames))
        for product, parts in readers.products.items():
            self.products.setdefault(product, set()).update(parts)

    def _schedule_rows(self, pool: str, rows: dict[LazyFrame, None]) -> None:
        """Schedule all questions and rules of ``rows`` after they were added, shown or hidden."""
        catalogue = self.state.catalogue
        part = catalogue.pools[pool]
        for code in part.questions:
            self._push(self._dependents.steps[code], rows)
        for place in self._dependents.form_rules.get(pool, ()):
            _add(self.form_rules, place, rows)
        for child in part.children:
            self._push(self._dependents.steps[set_node(catalogue.pools[child].set_code)], rows)

    def _where(self, reader: Reader, frames: dict[LazyFrame, None]) -> Frames:
        if not reader.is_local:
            return None
        return dict.fromkeys(self.state.rows_below(list(frames), reader.pool))

    def _push(self, place: int, frames: Frames) -> None:
        if place not in self._waiting:
            heappush(self._order, place)
        _add(self._waiting, place, frames)

    def in_order(self, frames: Frames, pool: str) -> list[LazyFrame]:
        """Return ``frames`` (all of ``pool`` where None) in the order of the form."""
        if frames is None:
            return list(self.state.rows_below([self.state.top], pool)) if pool else [self.state.top]
        return sorted(frames, key=lambda frame: frame.key) if len(frames) > 1 else list(frames)


def _add(waiting: dict[int, Frames], place: int, frames: Frames) -> None:
    waiting_frames = waiting.get(place, {})
    waiting[place] = None if waiting_frames is None or frames is None else waiting_frames | frames
