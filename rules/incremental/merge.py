"""Puts together what was decided anew after a change and what stands of the evaluation before it. Pure."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from typing import Final

from copies.paths import Path, split_prefix
from rules.definition.model import CompiledCatalogue
from rules.flow.eligibility import decide_products
from rules.flow.evaluation import Evaluation, FlowResult, Message, Needed, ProductOutcome, Refusal
from rules.flow.messages import fault_messages, relation_messages, rule_messages
from rules.flow.stored_values import WRONG_TYPE, plain
from rules.incremental.follow import Frames, Spread
from rules.incremental.lazy_state import SparseState
from rules.language.values import Unknown

#: So many paths are looked for one by one.
_FEW: Final = 8


def merge(state: SparseState, spread: Spread, before: Evaluation) -> FlowResult:
    """Return the result of the check flow on the document of ``state``, where ``spread`` was followed to its end and
    all that it did not reach stands as in ``before``.
    """
    merger = _Merger(state, spread, before)
    messages = merger.messages()
    needed = merger.needed()
    added, removed, completed, reopened = merger.question_sets(needed)
    evaluation = Evaluation(
        release=before.release,
        as_of=before.as_of,
        edition=before.edition,
        derived=merger.derived(),
        eligibility=merger.eligibility(),
        needed=needed,
        messages=messages,
    )
    return FlowResult(
        evaluation=evaluation,
        states=tuple(state.states),
        dropped=tuple(state.dropped),
        added_sets=added,
        removed_sets=removed,
        completed_sets=completed,
        reopened_sets=reopened,
        refusals=refusals_in(state.catalogue, messages),
    )


def refusals_in(catalogue: CompiledCatalogue, messages: Iterable[Message]) -> tuple[Refusal, ...]:
    """Return those of ``messages`` that are faults of one value by itself."""
    return tuple(
        Refusal(message.path, message.code, message.text)
        for message in messages
        if message.kind == "error" and _is_fault(catalogue, message)
    )


def set_of(catalogue: CompiledCatalogue, path: str) -> str:
    """Return the question set of the question or pool at ``path``."""
    code = Path(path).code
    question = catalogue.questions.get(code)
    return question.set_code if question else catalogue.pools[code].set_code


class _Merger:
    def __init__(self, state: SparseState, spread: Spread, before: Evaluation) -> None:
        self._state = state
        self._catalogue = state.catalogue
        self._spread = spread
        self._before = before
        #: The paths that may have become needed, or may no longer be.
        self._doubtful = spread.moved | {f"{owner.prefix}{pool}" for owner, pool in spread.short_pools}
        self._errors: set[str] = set()

    # What is said

    def messages(self) -> tuple[Message, ...]:
        """Return all messages, those that stand and those made anew, in the order of the form."""
        made = list(self._made_anew())
        kept = [message for message in self._before.messages if not self._is_renewed(message)]
        self._doubtful.update(message.path for message in made if message.kind == "error")
        for message in made:
            insort(kept, message, key=lambda message: (self._state.key(message.path), message.code))
        self._errors = {message.path for message in kept if message.kind == "error"}
        return tuple(kept)

    def _made_anew(self) -> Iterable[Message]:
        state, spread = self._state, self._spread
        yield from fault_messages(state)
        for place, frames in spread.related.items():
            question = self._catalogue.related[place]
            yield from relation_messages(state, question, spread.in_order(frames, question.pool))
        for place, frames in spread.form_rules.items():
            rule = self._catalogue.form_rules[place]
            yield from rule_messages(state, rule, spread.in_order(frames, rule.pool))

    def _is_renewed(self, message: Message) -> bool:
        """Tell whether what said ``message`` was decided anew; note where an error may have gone."""
        if message.path.startswith(self._spread.gone):
            return True
        renewed = self._is_decided(message)
        if renewed and message.kind == "error":
            self._doubtful.add(message.path)
        return renewed

    def _is_decided(self, message: Message) -> bool:
        spread, dependents = self._spread, self._catalogue.dependents
        prefix, code = split_prefix(message.path)
        place = dependents.rules_by_id.get(message.code, -1)
        if place >= 0 and self._catalogue.form_rules[place].rule.at == code:
            return place in spread.form_rules and _covers(spread.form_rules[place], prefix)
        place = dependents.related_by_code.get(code, -1)
        if place >= 0 and any(name == message.code for name, _, _ in self._catalogue.related[place].relations):
            return place in spread.related and _covers(spread.related[place], prefix)
        return message.path in spread.decided

    # What is needed

    def needed(self) -> Needed:
        """Return the paths that are needed; call it after ``messages``."""
        for_quote: dict[str, bool] = {}
        for_bind: dict[str, bool] = {}
        for path in self._doubtful:
            required = self._required(path)
            for_quote[path] = path in self._errors or required == "quote"
            for_bind[path] = path in self._errors or required != ""
        before = self._before.needed
        quote, bind = self._patched(before.quote, for_quote), self._patched(before.bind, for_bind)
        return before if quote is before.quote and bind is before.bind else Needed(quote, bind)

    def _required(self, path: str) -> str:
        """Return for what an answer or another row is needed at ``path``, if at all."""
        prefix, code = split_prefix(path)
        frame, question = self._state.frame_at(prefix), self._catalogue.questions.get(code)
        if question is None:
            part = self._catalogue.pools[code].pool
            is_short = part.parent == frame.pool and len(frame.rows_of(code)) < part.min and frame.shows(code)
            return "quote" if is_short else ""
        # An answer of another type is unknown too; that it is wrong makes it needed anyway.
        return question.required if frame.values[question.slot].__class__ is Unknown else ""

    def _patched(self, before: tuple[str, ...], wanted: dict[str, bool]) -> tuple[str, ...]:
        """Return ``before`` with or without each path of ``wanted``, in the order of the form."""
        gone = self._spread.gone
        kept = [path for path in before if not path.startswith(gone)] if gone else list(before)
        there = frozenset(kept) if len(wanted) > _FEW else kept
        wrong = [path for path, is_wanted in wanted.items() if is_wanted != (path in there)]
        for path in wrong:
            if wanted[path]:
                insort(kept, path, key=self._state.key)
            else:
                kept.remove(path)
        return tuple(kept) if wrong or len(kept) != len(before) else before

    # What else follows

    def question_sets(
        self, needed: Needed
    ) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]:  # fmt: skip
        """Return the codes of the sets to add, to remove, that are complete now and that no longer are."""
        doubtful = self._spread.sets | {set_of(self._catalogue, path) for path in self._doubtful}
        there = {part.code: part for part in self._state.document.question_sets}
        waiting = doubtful.intersection(set_of(self._catalogue, path) for path in needed.quote)
        in_order = sorted(doubtful, key=lambda code: self._catalogue.sets[code].order)
        wanted = [code for code in in_order if self._is_set_wanted(code)]
        removed = [
            code for code, part in there.items()
            if part.remove_if_ineligible and code in doubtful and code not in wanted
        ]  # fmt: skip
        kept = [code for code in in_order if code in wanted or (code in there and code not in removed)]
        completed = {code for code, part in there.items() if part.completed_at is not None}
        return (
            tuple(code for code in wanted if code not in there),
            tuple(removed),
            tuple(code for code in kept if code not in waiting and code not in completed),
            tuple(code for code in kept if code in waiting and code in completed),
        )

    def _is_set_wanted(self, code: str) -> bool:
        part, state = self._catalogue.sets[code], self._state
        if part.pool:
            return any(owner.shows(part.pool) for owner in self._spread.in_order(None, part.parent))
        questions = (self._catalogue.questions[question.code] for question in part.question_set.questions)
        return state.is_set_shown(code) and any(state.top.asks(question) for question in questions)

    def derived(self) -> dict[str, str | float | bool | None]:
        """Return the derived values."""
        anew = {code: plain(self._state.root[self._catalogue.derived[code].slot]) for code in self._spread.derived}
        return {**self._before.derived, **anew} if anew else self._before.derived  # type: ignore[dict-item]

    def eligibility(self) -> dict[str, ProductOutcome]:
        """Return the outcomes of the products."""
        before, products = self._before.eligibility, self._spread.products
        if not products and not self._spread.is_eligibility_moved:
            return before
        return decide_products(self._state, before=before, parts=products)


def _is_fault(catalogue: CompiledCatalogue, message: Message) -> bool:
    question = catalogue.questions.get(Path(message.path).code)
    return question is not None and (
        message.code == WRONG_TYPE or any(name == message.code for name, _ in question.checks)
    )


def _covers(frames: Frames, prefix: str) -> bool:
    return frames is None or any(frame.prefix == prefix for frame in frames)
