"""Compiles the texts of one definition, each in its scope, and collects the faults with their places. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Final

from copies.changes import strictest
from rules.definition.catalogue import CatalogueDefinition, Derived
from rules.definition.domains import kind_of
from rules.definition.faults import CatalogueFault
from rules.language.expressions import Expression, Language, Scope, Term, Variable, names_in
from rules.language.faults import TextFault, TextFaults
from rules.language.kinds import ANY, DATE, NUMBER, TEXT, TRUTH, Kind, rows_of
from rules.language.operators import constant
from rules.language.syntax import Literal

_DERIVED_KINDS: Final = (NUMBER, TEXT, TRUTH, DATE)
#: Replaces an invalid text.
BROKEN: Final = Expression(
    source="", term=Term(constant(None), ANY, Literal(value=None, kind="null_value", offset=0), frozenset()), locals=0
)


class Texts:
    """The compiled texts of a definition. Assigns the slots, compiles the derived values, and then any text in the
    scope of the form ("") or of a pool's rows.
    """

    def __init__(self, definition: CatalogueDefinition) -> None:
        """Assign a slot to every question, pool and derived value; compile the derived values."""
        self.faults: list[CatalogueFault] = []
        #: Faults that hinder no evaluation, which releases published before they were known may have.
        self.doubts: list[CatalogueFault] = []
        #: The compiled texts with their places.
        self.compiled: list[tuple[str, Expression]] = []
        #: The texts of payloads, which decide nothing.
        self.mapped: list[Expression] = []
        #: The texts of shadow rules with their places, which decide nothing either.
        self.without_effect: list[tuple[str, Expression]] = []
        self._parents = {part.pool.code: part.pool.parent for part in definition.question_sets if part.pool}
        #: The variables of the document ("") and of each pool's rows by code, at level 0; ``_variables`` sets their
        #: levels.
        self.slots: dict[str, dict[str, Variable]] = {"": {}, **{pool: {} for pool in self._parents}}
        for part in definition.question_sets:
            own = part.pool.code if part.pool else ""
            for question in part.questions:
                self._place(own, question.code, kind_of(question, definition))
        for pool, parent in self._parents.items():
            self._place(parent, pool, rows_of(pool))
        self._language = Language({pool: fields for pool, fields in self.slots.items() if pool})
        self._scopes: dict[str, Scope] = {}
        self._named: dict[str, Mapping[str, Variable]] = {}
        self.derived: dict[str, Expression] = {}
        self.derived_tags: dict[str, str] = {}
        self._compile_derived(definition)

    def width(self, pool: str = "") -> int:
        """Return the number of slots of the document or of a row of ``pool``."""
        return len(self.slots[pool]) + (not pool)

    def compile(self, source: str, where: str, *, wanted: Iterable[Kind], pool: str = "") -> Expression:
        """Return ``source`` compiled in the scope of ``pool``'s rows. An invalid text adds to ``faults`` and returns
        ``BROKEN``; one with parts that always have one result adds to ``doubts``.
        """
        if pool not in self._scopes:
            self._scopes[pool] = Scope(self._language, self._variables(pool))
        return self._compile(self._scopes[pool], source, where, wanted)

    def map(self, source: str, where: str, *, wanted: Iterable[Kind], pool: str = "") -> Expression:
        """Return ``source`` compiled as ``compile`` does, for a payload: no decision reads it."""
        compiled = self.compile(source, where, wanted=wanted, pool=pool)
        if compiled is not BROKEN:
            self.mapped.append(self.compiled.pop()[1])
        return compiled

    def shadow(self, source: str, where: str, *, pool: str = "") -> Expression:
        """Return the condition ``source`` compiled as ``compile`` does, for a shadow rule."""
        compiled = self.compile(source, where, wanted=(TRUTH,), pool=pool)
        if compiled is not BROKEN:
            self.without_effect.append(self.compiled.pop())
        return compiled

    def derived_of(self, code: str) -> frozenset[str]:
        """Return the codes of the derived values that depend on ``code``, directly or indirectly."""
        reached = {code}
        for name, value in self.derived.items():
            if value.reads & reached:
                reached.add(name)
        return frozenset(reached - {code})

    def named(self, code: str, *, pool: str = "") -> Expression | None:
        """Return the value ``code`` in the scope of ``pool``'s rows, compiled without the checker; None if the scope
        has no such name.
        """
        if pool not in self._named:
            self._named[pool] = self._variables(pool)
        variable = self._named[pool].get(code)
        return None if variable is None else Scope.named(code, variable)

    def ancestors(self, pool: str) -> tuple[str, ...]:
        """Return the pools that enclose ``pool``, outermost first."""
        parent = self._parents[pool]
        return (*self.ancestors(parent), parent) if parent else ()

    def _place(self, pool: str, code: str, kind: Kind) -> None:
        self.slots[pool][code] = Variable(kind, 0, self.width(pool))

    def _variables(self, pool: str) -> Mapping[str, Variable]:
        variables = dict(self.slots[""])
        around = (*self.ancestors(pool), pool) if pool else ()
        for depth, name in enumerate(reversed(around), start=1):
            variables |= {code: Variable(item.kind, depth, item.slot) for code, item in self.slots[name].items()}
        return variables

    def _compile(self, scope: Scope, source: str, where: str, wanted: Iterable[Kind]) -> Expression:
        try:
            compiled = scope.compile(source, wanted=wanted)
        except TextFaults as error:
            self.faults += [_placed(fault, source, where) for fault in error.faults]
            return BROKEN
        self.doubts += [_placed(doubt, source, where) for doubt in compiled.doubts]
        self.compiled.append((where, compiled))
        return compiled

    def _compile_derived(self, definition: CatalogueDefinition) -> None:
        named = {derived.code: derived for derived in definition.derived}
        for code in self._derived_order(named):
            where, source = f"derived[{code}].value", named[code].value
            scope = Scope(self._language, self.slots[""], only=names_in(source))
            compiled = self._compile(scope, source, where, _DERIVED_KINDS)
            self.derived_tags[code] = self._tag_of(definition, code, compiled)
            self._place("", code, compiled.kind)
            self.derived[code] = compiled

    def _tag_of(self, definition: CatalogueDefinition, code: str, value: Expression) -> str:
        """Return the strictest sensitivity of the answers that the derived value ``code`` is made of, "" for a yes or
        no. A text or date made of a sensitive answer is refused: it would copy the answer.
        """
        if value.kind == TRUTH:
            return ""
        tags: dict[str, str] = {
            item.code: item.sensitivity for part in definition.question_sets for item in part.questions
        }
        tags |= self.derived_tags
        sensitive = sorted(read for read in value.reads if tags.get(read))
        if value.kind in (TEXT, DATE):
            for read in sensitive:
                text = f"A {value.kind} made of the sensitive answer {read!r} would be stored in plain text."
                remedy = "Derive a number, or true or false, from it."
                self.faults.append(CatalogueFault("sensitive", f"derived[{code}].value", text, remedy))
        return strictest(*(tags[read] for read in sensitive))

    def _derived_order(self, named: Mapping[str, Derived]) -> Iterable[str]:
        reads = {code: [name for name in names_in(derived.value) if name in named] for code, derived in named.items()}
        try:
            return tuple(TopologicalSorter(reads).static_order())
        except CycleError as error:
            self.faults.append(cycle_fault(error.args[1], f"derived[{error.args[1][0]}].value"))
            for code in named:
                self._place("", code, ANY)
            return ()


def cycle_fault(loop: Iterable[str], where: str) -> CatalogueFault:
    """Return the fault of codes that depend on each other."""
    steps = " -> ".join(loop)
    return CatalogueFault("cycle", where, f"These depend on each other: {steps}.", "Remove one of the references.")


def place_in_text(source: str, offset: int) -> tuple[int, int]:
    """Return line and column of the character ``offset`` of ``source``, both from 1."""
    before = source[:offset]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _placed(fault: TextFault, source: str, where: str) -> CatalogueFault:
    line, column = place_in_text(source, fault.offset)
    return CatalogueFault(fault.code, where, fault.text, fault.remedy, line, column)
