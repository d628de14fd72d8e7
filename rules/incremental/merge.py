"""Merges the decisions of a partial run with the evaluation before it. Pure."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from typing import Final

from copies.paths import Path, split_prefix
from rules.definition.model import CompiledCatalogue
from rules.flow.derived_sensitivity import sealed_codes
from rules.flow.eligibility import decide_products, mark_bindable
from rules.flow.evaluation import Evaluation, FlowResult, Message, Needed, ProductOutcome, Refusal
from rules.flow.messages import (
    NO_LONGER_ASKED,
    crowd_message,
    fault_messages,
    relation_messages,
    rule_messages,
)
from rules.flow.shown_questions import requirement_of
from rules.flow.stored_values import stored_derived
from rules.incremental.follow import ChangeFollower, Frames
from rules.incremental.lazy_state import LazyState
from rules.language.values import Unknown

#: Up to this number, paths are looked up in the list instead of a set.
_FEW: Final = 8


def merge(state: LazyState, follower: ChangeFollower, before: Evaluation) -> FlowResult:
    """Return the result of the check flow on the document of ``state``.

    ``follower`` must be complete; everything it did not reach is taken from ``before``.
    """
    merger = _Merger(state, follower, before)
    messages = merger.messages()
    needed = merger.needed()
    added, removed, completed, reopened = merger.question_sets(needed)
    evaluation = Evaluation(
        release=before.release,
        as_of=before.as_of,
        edition=before.edition,
        derived=merger.derived(),
        eligibility=merger.eligibility(needed),
        needed=needed,
        messages=messages,
        undecided=merger.undecided(),
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
    """Return the messages that are errors of one value by itself, as refusals."""
    return tuple(
        Refusal(message.path, message.code, message.text)
        for message in messages
        if message.kind == "error" and _is_fault(catalogue, message)
    )


class _Merger:
    def __init__(self, state: LazyState, follower: ChangeFollower, before: Evaluation) -> None:
        self._state = state
        self._catalogue = state.catalogue
        self._follower = follower
        self._before = before
        #: Paths that may have become needed, or may no longer be.
        self._counted_pools = {f"{owner.prefix}{pool}" for owner, pool in follower.short_pools}
        self._doubtful = follower.moved | follower.required | self._counted_pools
        self._errors: set[str] = set()
        #: Whether messages at paths that were not decided may be void: of form rules, relations and numbers of rows.
        self._renews_messages_elsewhere = bool(follower.form_rules or follower.related or self._counted_pools)

    # Messages

    def messages(self) -> tuple[Message, ...]:
        """Return all messages, kept and new, in the order of the form."""
        new = list(self._new_messages())
        kept = [message for message in self._before.messages if not self._is_renewed(message)]
        self._doubtful.update(message.path for message in new if message.kind == "error")
        for message in new:
            insort(kept, message, key=lambda message: (self._state.key(message.path), message.code))
        self._errors = {message.path for message in kept if message.kind == "error"}
        return tuple(kept)

    def _new_messages(self) -> Iterable[Message]:
        state, follower = self._state, self._follower
        yield from fault_messages(state)
        for place, frames in follower.related.items():
            question = self._catalogue.related[place]
            yield from relation_messages(state, question, follower.in_order(frames, question.pool))
        for place, frames in follower.form_rules.items():
            rule = self._catalogue.form_rules[place]
            yield from rule_messages(state, rule, follower.in_order(frames, rule.pool))
        for owner, code in follower.short_pools:
            pool = self._catalogue.pools[code]
            rows = len(owner.rows_of(code))
            if pool.pool.parent == owner.pool and rows > pool.pool.max and owner.shows(code):
                yield crowd_message(owner, pool, rows)

    def _is_renewed(self, message: Message) -> bool:
        """Return whether the source of ``message`` was decided again; record the path of an error that may have
        disappeared.
        """
        if message.path.startswith(self._follower.renewed_prefixes):
            return True
        renewed = self._is_decided(message)
        if renewed and message.kind == "error":
            self._doubtful.add(message.path)
        return renewed

    def _is_decided(self, message: Message) -> bool:
        follower, dependents = self._follower, self._catalogue.dependents
        if message.path not in follower.decided and not self._renews_messages_elsewhere:
            return False
        prefix, code = split_prefix(message.path)
        rule = _rule_of(self._catalogue, message, code)
        if rule is not None:
            return rule in follower.form_rules and _covers(follower.form_rules[rule], prefix)
        if message.code == NO_LONGER_ASKED:
            return False
        place = dependents.related_by_code.get(code, -1)
        if place >= 0 and any(name == message.code for name, _, _ in self._catalogue.related[place].relations):
            return place in follower.related and _covers(follower.related[place], prefix)
        if code in self._catalogue.pools:
            return message.path in self._counted_pools
        return message.path in follower.decided

    # Needed answers

    def needed(self) -> Needed:
        """Return the needed paths; call this after ``messages``."""
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
        """Return the purpose for which an answer or another row is required at ``path``, or ""."""
        prefix, code = split_prefix(path)
        frame, question = self._state.frame_at(prefix), self._catalogue.questions.get(code)
        if question is None:
            part = self._catalogue.pools[code].pool
            is_short = part.parent == frame.pool and len(frame.rows_of(code)) < part.min and frame.shows(code)
            return "quote" if is_short else ""
        # An answer of another type is unknown too; its error makes it needed anyway.
        is_unknown = frame.values[question.slot].__class__ is Unknown and path not in self._state.undecided
        return requirement_of(self._state, question, frame) if is_unknown else ""

    def _patched(self, before: tuple[str, ...], wanted: dict[str, bool]) -> tuple[str, ...]:
        """Return ``before`` with or without each path of ``wanted``, in the order of the form."""
        renewed_prefixes = self._follower.renewed_prefixes
        kept = [path for path in before if not path.startswith(renewed_prefixes)] if renewed_prefixes else list(before)
        existing = frozenset(kept) if len(wanted) > _FEW else kept
        wrong = [path for path, is_wanted in wanted.items() if is_wanted != (path in existing)]
        for path in wrong:
            if wanted[path]:
                insort(kept, path, key=self._state.key)
            else:
                kept.remove(path)
        return tuple(kept) if wrong or len(kept) != len(before) else before

    # Question sets, derived values and products

    def question_sets(
        self, needed: Needed
    ) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]:  # fmt: skip
        """Return the codes of the sets to add, to remove, to complete and to reopen."""
        doubtful = self._follower.sets | {self._catalogue.set_of(path) for path in self._doubtful}
        existing = {part.code: part for part in self._state.document.question_sets}
        is_undisturbed = not self._follower.sets and not self._follower.moves_visibility
        if is_undisturbed and needed is self._before.needed and doubtful <= existing.keys():
            # The sets are as the check flow left them, and so is everything that decides them.
            return (), (), (), ()
        waiting = doubtful.intersection(self._catalogue.set_of(path) for path in needed.quote)
        in_order = sorted(doubtful, key=lambda code: self._catalogue.sets[code].order)
        wanted = [code for code in in_order if self._is_set_wanted(code)]
        removed = [
            code for code, part in existing.items()
            if part.remove_if_ineligible and code in doubtful and code not in wanted
        ]  # fmt: skip
        kept = [code for code in in_order if code in wanted or (code in existing and code not in removed)]
        completed = {code for code, part in existing.items() if part.completed_at is not None}
        return (
            tuple(code for code in wanted if code not in existing),
            tuple(removed),
            tuple(code for code in kept if code not in waiting and code not in completed),
            tuple(code for code in kept if code in waiting and code in completed),
        )

    def _is_set_wanted(self, code: str) -> bool:
        part, state = self._catalogue.sets[code], self._state
        if part.pool:
            return any(owner.shows(part.pool) for owner in self._follower.in_order(None, part.parent))
        questions = (self._catalogue.questions[question.code] for question in part.question_set.questions)
        return state.is_set_shown(code) is True and any(state.top.asks(question) for question in questions)

    def derived(self) -> dict[str, str | float | bool | None]:
        parts = [self._catalogue.derived[code] for code in self._follower.derived]
        if not parts:
            return self._before.derived
        sealed = sealed_codes(self._state.document, among=frozenset().union(*(part.questions for part in parts)))
        renewed = {
            part.derived.code: stored_derived(self._catalogue, part, self._state.root[part.slot], sealed=sealed)
            for part in parts
        }
        return {**self._before.derived, **renewed}

    def undecided(self) -> dict[str, tuple[str, ...]]:
        """Return the questions whose visibility is unknown, without those of removed rows."""
        renewed, decided = self._follower.renewed_prefixes, self._follower.decided
        if not renewed:
            return self._state.undecided
        return {
            path: paths
            for path, paths in self._state.undecided.items()
            if path in decided or not path.startswith(renewed)
        }

    def eligibility(self, needed: Needed) -> dict[str, ProductOutcome]:
        """Return the outcomes of all products; ``needed`` decides whether a premium is more than an estimate."""
        before, products = self._before.eligibility, self._follower.products
        if products or self._follower.is_eligibility_affected:
            decided = decide_products(self._state, before=before, parts=products)
            return mark_bindable(self._catalogue, decided, needed)
        if bool(needed.quote) == bool(self._before.needed.quote):
            return before
        return mark_bindable(self._catalogue, before, needed)


def _is_fault(catalogue: CompiledCatalogue, message: Message) -> bool:
    """Return whether ``message`` is an error of one value by itself: of cleaning or of a check."""
    code = Path(message.path).code
    question = catalogue.questions.get(code)
    if question is None or _rule_of(catalogue, message, code) is not None:
        return False
    return all(name != message.code for name, _, _ in question.relations)


def _rule_of(catalogue: CompiledCatalogue, message: Message, code: str) -> int | None:
    """Return the place of the form rule that ``message`` at the question or pool ``code`` comes from, or None."""
    place = catalogue.dependents.rules_by_id.get(message.code)
    if place is None:
        return None
    rule = catalogue.form_rules[place].rule
    # Cleaning may have an error of the same code.
    return place if (rule.at, rule.then, rule.say) == (code, message.kind, message.text) else None


def _covers(frames: Frames, prefix: str) -> bool:
    return frames is None or any(frame.prefix == prefix for frame in frames)
