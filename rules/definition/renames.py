"""The renamed parts of a release (``was`` in the catalogue), and the checks of them. Pure.

A code that is still in use is never an old one, so following the renames of a release twice changes nothing more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from rules.definition.catalogue import CatalogueDefinition, Question
from rules.definition.faults import CatalogueFault
from rules.types.registry import type_of


class Moved(NamedTuple):
    """A question or pool with a new ``code``; ``pool`` is the pool around it, or ""."""

    code: str
    pool: str


class Renames(NamedTuple):
    """The renames of one release by old code. ``choices`` are by question (its new code), then by old choice.

    ``parents`` are the pools of the release with the pool around each, ``homes`` the pools of its questions.
    """

    questions: Mapping[str, Moved]
    pools: Mapping[str, Moved]
    sets: Mapping[str, str]
    choices: Mapping[str, Mapping[str, str]]
    homes: Mapping[str, str]
    parents: Mapping[str, str]

    @property
    def is_empty(self) -> bool:
        """Return whether the release renames nothing."""
        return not (self.questions or self.pools or self.sets or self.choices)


def renames_of(definition: CatalogueDefinition) -> Renames:
    """Return what ``definition`` renames."""
    homes = {
        question.code: part.pool.code if part.pool else ""
        for part in definition.question_sets
        for question in part.questions
    }
    questions = [question for part in definition.question_sets for question in part.questions]
    pools = [part.pool for part in definition.question_sets if part.pool]
    old_choices = {
        code: {old: new for new, old in renamed.items()} for code, renamed in definition.choices_were.items()
    }
    return Renames(
        questions={item.was: Moved(item.code, homes[item.code]) for item in questions if item.was},
        pools={pool.was: Moved(pool.code, pool.parent) for pool in pools if pool.was},
        sets={part.was: part.code for part in definition.question_sets if part.was},
        choices={item.code: old_choices[item.choices] for item in questions if item.choices in old_choices},
        homes=homes,
        parents={pool.code: pool.parent for pool in pools},
    )


class Renamed(NamedTuple):
    """One rename in a catalogue: the new ``code`` ``was`` an old one; ``where`` is its key path."""

    code: str
    was: str
    where: str


def rename_faults(definition: CatalogueDefinition) -> Iterator[CatalogueFault]:
    """Yield the renames of ``definition`` that contradict its own codes or each other."""
    questions = {question.code for part in definition.question_sets for question in part.questions}
    pools = {part.pool.code for part in definition.question_sets if part.pool}
    derived = {item.code for item in definition.derived}
    yield from _clashes(renamed_parts(definition), questions | pools | derived)
    yield from _clashes(renamed_sets(definition), {part.code for part in definition.question_sets})
    for code, renamed in definition.choices_were.items():
        choices = definition.choices.get(code)
        if choices is None:
            yield CatalogueFault(
                "missing_choice_list", f"choices_were[{code}]", f"There is no choice list {code!r}.", "Remove the key."
            )
            continue
        yield from _clashes(
            [Renamed(new, old, f"choices[{code}][{new}]") for new, old in renamed.items()], set(choices)
        )
        for new in renamed.keys() - choices.keys():
            yield CatalogueFault(
                "unknown_choice", f"choices[{code}]", f"There is no choice {new!r} in {code!r}.", "Remove its old code."
            )


def renamed_parts(definition: CatalogueDefinition) -> list[Renamed]:
    """Return the renamed questions and pools, which share one namespace."""
    found = []
    for part in definition.question_sets:
        where = f"question_sets[{part.code}]"
        if part.pool and part.pool.was:
            found.append(Renamed(part.pool.code, part.pool.was, f"{where}.pool.was"))
        found += [
            Renamed(question.code, question.was, f"{where}.questions[{question.code}].was")
            for question in part.questions
            if question.was
        ]
    return found


def renamed_sets(definition: CatalogueDefinition) -> list[Renamed]:
    """Return the renamed question sets."""
    parts = definition.question_sets
    return [Renamed(part.code, part.was, f"question_sets[{part.code}].was") for part in parts if part.was]


def _clashes(renamed: Iterable[Renamed], used: set[str]) -> Iterator[CatalogueFault]:
    items = list(renamed)
    before = {item.code: item.was for item in items}
    counts = Counter(item.was for item in items)
    for code, was, where in items:
        if was == code:
            yield CatalogueFault("rename_cycle", where, f"{code!r} is its own old code.", "Remove was.")
        elif _returns(code, before):
            text = f"{code!r} and {was!r} take each other's place, so that no answer has a certain place."
            yield CatalogueFault("rename_cycle", where, text, "Give one of them a code that was never used.")
        elif was in before:
            text = f"{was!r} is the old code of {code!r}, and has an old code itself."
            yield CatalogueFault(
                "rename_chain", where, text, "Publish one rename first, or name a code that is no longer used."
            )
        elif was in used:
            text = f"{was!r} is still in use, so its answers stay there."
            yield CatalogueFault("rename_clash", where, text, "Name a code that this catalogue no longer has.")
        elif counts[was] > 1:
            text = f"Several parts were {was!r}, but its answers can follow only one."
            yield CatalogueFault("rename_clash", where, text, "Keep was at one of them.")


def _returns(code: str, before: Mapping[str, str]) -> bool:
    """Return whether the chain of old codes from ``code`` comes back to it."""
    seen, step = set[str](), before.get(code)
    while step is not None and step not in seen:
        if step == code:
            return True
        seen.add(step)
        step = before.get(step)
    return False


class Places(NamedTuple):
    """The codes of an earlier release with what a rename must keep: questions and pools with the pool around them."""

    questions: Mapping[str, tuple[Question, str]]
    pools: Mapping[str, str]
    sets: frozenset[str]
    choices: Mapping[str, frozenset[str]]


_NO_CODES: Final = frozenset[str]()


def places_of(definition: CatalogueDefinition) -> Places:
    """Return the codes of ``definition`` by kind."""
    return Places(
        questions={
            question.code: (question, part.pool.code if part.pool else "")
            for part in definition.question_sets
            for question in part.questions
        },
        pools={part.pool.code: part.pool.parent for part in definition.question_sets if part.pool},
        sets=frozenset(part.code for part in definition.question_sets),
        choices={code: frozenset(labels) for code, labels in definition.choices.items()},
    )


def faults_against(definition: CatalogueDefinition, earlier: Iterable[Places]) -> list[CatalogueFault]:
    """Return the renames in ``definition`` whose old code no ``earlier`` release had, or had in another place or with
    another kind of answer. ``earlier`` are read, the latest first, until every old code was found; without any, as in
    the first release of an installation, nothing is checked.
    """
    open_renames = _Open(definition)
    for places in earlier:
        open_renames.compare(places)
        if open_renames.is_done:
            break
    return open_renames.faults()


class _Open:
    """The renames of a catalogue whose old code was not found yet."""

    def __init__(self, definition: CatalogueDefinition) -> None:
        self._new = places_of(definition)
        self._parts = renamed_parts(definition)
        self._sets = renamed_sets(definition)
        self._choices = [
            (code, Renamed(new, old, f"choices[{code}][{new}]"))
            for code, renamed in definition.choices_were.items()
            for new, old in renamed.items()
        ]
        self._pool_was = {part.pool.code: part.pool.was for part in definition.question_sets if part.pool}
        self._faults: list[CatalogueFault] = []
        self._has_compared = False

    @property
    def is_done(self) -> bool:
        return not (self._parts or self._sets or self._choices)

    def compare(self, old: Places) -> None:
        self._has_compared = True
        self._parts = [item for item in self._parts if not self._is_found(item, old)]
        self._sets = [item for item in self._sets if item.was not in old.sets]
        every = frozenset().union(*old.choices.values()) if old.choices else _NO_CODES
        self._choices = [
            (code, item) for code, item in self._choices if item.was not in old.choices.get(code, every)
        ]  # fmt: skip

    def _is_found(self, item: Renamed, old: Places) -> bool:
        if item.code in self._new.questions and item.was in old.questions:
            (now, pool), (then, pool_then) = self._new.questions[item.code], old.questions[item.was]
            kinds = type_of(now.type).kind, type_of(then.type).kind
            if kinds[0] != kinds[1]:
                text = f"{item.was!r} was a {then.type} question and {item.code!r} is a {now.type} question."
                remedy = "Change the type in another release, or remove was: the answers would not fit."
                self._faults.append(CatalogueFault("type_error", item.where, text, remedy))
            self._check_place(item, pool, pool_then)
            return True
        if item.code in self._new.pools and item.was in old.pools:
            self._check_place(item, self._new.pools[item.code], old.pools[item.was])
            return True
        return False

    def _check_place(self, item: Renamed, pool: str, pool_then: str) -> None:
        """Report a part that did not stay in its pool, which may have been renamed too."""
        if pool_then not in (pool, self._pool_was.get(pool) or pool):
            places = [f"in the rows of {name!r}" if name else "asked once" for name in (pool_then, pool)]
            text = f"{item.was!r} was {places[0]} and {item.code!r} is {places[1]}."
            remedy = "Remove was: answers cannot follow into another place."
            self._faults.append(CatalogueFault("wrong_place", item.where, text, remedy))

    def faults(self) -> list[CatalogueFault]:
        if not self._has_compared:
            return []
        kinds = {"question": self._new.questions, "pool": self._new.pools}
        unknown = [
            (kind, item) for item in self._parts for kind, codes in kinds.items() if item.code in codes
        ]  # fmt: skip
        unknown += [("question_set", item) for item in self._sets]
        unknown += [("choice", item) for _, item in self._choices]
        return self._faults + [
            CatalogueFault(
                f"unknown_{kind}",
                item.where,
                f"No release had the {kind.replace('_', ' ')} {item.was!r}.",
                "Name the code of an earlier release, or remove was.",
            )
            for kind, item in unknown
        ]
