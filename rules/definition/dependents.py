"""Finds the dependencies inside a compiled catalogue, so that a partial run can follow a change. Pure.

Every text names the values it reads. This module adds the dependencies without a text: a question depends on its set
and its gates, a set in rows on the enclosing rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from rules.definition.dependency_order import gate_reads, set_node
from rules.definition.model import (
    CompiledDerived,
    CompiledFormRule,
    CompiledPool,
    CompiledProduct,
    CompiledQuestion,
    CompiledSet,
    Dependents,
    Reader,
    Readers,
    Step,
)
from rules.definition.product_compiler import product_reads
from rules.language.expressions import Expression
from rules.types.stored_answers import WRONG_TYPE

#: The longest chain of pools of which each is shown by the one before.
_MOST_DEPTH: Final = 20


def find_dependents(
    steps: Sequence[Step],
    *,
    pools: Mapping[str, CompiledPool],
    related: Sequence[CompiledQuestion],
    conditional: Sequence[CompiledQuestion],
    form_rules: Sequence[CompiledFormRule],
    products: Iterable[CompiledProduct],
    lines_question: str,
) -> Dependents:
    """Return the dependencies of one catalogue; ``steps`` are in the order of decisions."""
    finder = _Finder(steps, pools, lines_question)
    for place, step in enumerate(steps):
        finder.add_step(place, step)
    for place, question in enumerate(related):
        finder.add_related(place, question)
    for place, question in enumerate(conditional):
        finder.add_requirement(place, question)
    for place, rule in enumerate(form_rules):
        finder.add_form_rule(place, rule)
    for product in products:
        finder.add_product(product)
    return finder.dependents()


class _Finder:
    def __init__(self, steps: Sequence[Step], pools: Mapping[str, CompiledPool], lines_question: str) -> None:
        self._pools = pools
        self._lines_question = lines_question
        #: The pool that contains each value, "" for the document.
        self._homes = {code: part.pool.parent for code, part in pools.items()}
        self._homes.update({step.question.code: step.pool for step in steps if isinstance(step, CompiledQuestion)})
        self._inputs = {step.derived.code: step.value.reads for step in steps if isinstance(step, CompiledDerived)}
        self._whens = {step.pool: _reads(step.when) for step in steps if isinstance(step, CompiledSet) and step.pool}
        self._steps: dict[str, int] = {}
        self._parts: dict[str, dict[int, CompiledQuestion | CompiledDerived | str]] = {}
        self._gated: dict[str, list[int]] = {}
        self._readers: dict[str, dict[str, list[Reader]]] = {}
        self._depths: dict[str, int] = {}
        self._names: dict[str, frozenset[str]] = {}
        self._is_ambiguous = False
        self._size = len(steps)
        self._rules_by_id: dict[str, int] = {}
        self._related_by_code: dict[str, int] = {}
        self._requirements_by_code: dict[str, int] = {}
        self._rules_in: dict[str, list[int]] = {}
        self._products: dict[str, dict[str, set[int]]] = {}
        for code, part in pools.items():
            self._parts.setdefault(part.pool.parent, {})[part.slot] = code

    def add_step(self, place: int, step: Step) -> None:
        if isinstance(step, CompiledSet):
            self._steps[set_node(step.question_set.code)] = place
            self._add("steps", place, _reads(step.when), step.parent)
            if step.pool:
                waits_for = (self._depths.get(code, 0) for code in (*_reads(step.when), step.parent))
                self._depths[step.pool] = 1 + max(waits_for)
        elif isinstance(step, CompiledDerived):
            self._steps[step.derived.code] = place
            self._parts.setdefault("", {})[step.slot] = step
            self._add("steps", place, step.value.reads, "")
        else:
            self._steps[step.question.code] = place
            self._names[step.question.code] = _message_codes(step)
            self._parts.setdefault(step.pool, {})[step.slot] = step
            gates = frozenset((self._lines_question,)) if step.gates else frozenset()
            gates = gates.union(*map(gate_reads, step.gates))
            self._add("steps", place, _reads(step.when) | gates, step.pool, of_form=gates)
            for product in {gate.product.product.code for gate in step.gates}:
                self._gated.setdefault(product, []).append(place)

    def add_related(self, place: int, question: CompiledQuestion) -> None:
        code = question.question.code
        reads = frozenset((code,)).union(*(other.reads for _, other, _ in question.relations))
        self._add("related", place, reads, question.pool)
        self._related_by_code[code] = place

    def add_requirement(self, place: int, question: CompiledQuestion) -> None:
        if question.required_when is not None:
            self._add("requirements", place, question.required_when.reads, question.pool)
            self._requirements_by_code[question.question.code] = place

    def add_form_rule(self, place: int, rule: CompiledFormRule) -> None:
        self._add("form_rules", place, rule.when.reads, rule.pool)
        self._rules_in.setdefault(rule.pool, []).append(place)
        self._rules_by_id[rule.rule.id] = place
        self._is_ambiguous |= rule.rule.id in self._names.get(rule.rule.at, ())
        self._size += 1

    def add_product(self, product: CompiledProduct) -> None:
        self._size += len(product.rules)
        for part, reads in product_reads(product):
            for code in reads:
                self._products.setdefault(code, {}).setdefault(product.product.code, set()).add(part)

    def _add(
        self, kind: str, place: int, reads: frozenset[str], pool: str, *, of_form: frozenset[str] = frozenset()
    ) -> None:
        """Note the reader of ``reads``; those of products (``of_form``) are read in all rows of the form."""
        around = (*self._pools[pool].ancestors, pool) if pool else ()
        for code in reads:
            home = self._homes.get(code, "")
            # A text reads other rows only by naming their pool; otherwise it reads its own row and the enclosing ones.
            is_local = home in around and home not in reads and code not in of_form
            self._readers.setdefault(code, {}).setdefault(kind, []).append(Reader(place, pool, is_local))

    def dependents(self) -> Dependents:
        return Dependents(
            size=self._size,
            is_followable=not self._is_ambiguous and max(self._depths.values(), default=0) <= _MOST_DEPTH,
            rules_by_id=MappingProxyType(self._rules_by_id),
            related_by_code=MappingProxyType(self._related_by_code),
            requirements_by_code=MappingProxyType(self._requirements_by_code),
            readers=MappingProxyType(
                {
                    code: Readers(
                        products={key: frozenset(parts) for key, parts in self._products.get(code, {}).items()},
                        **{kind: tuple(readers) for kind, readers in self._readers.get(code, {}).items()},
                    )
                    for code in {*self._readers, *self._products}
                }
            ),
            steps=MappingProxyType(self._steps),
            form_rules=MappingProxyType({pool: tuple(places) for pool, places in self._rules_in.items()}),
            gated=MappingProxyType({code: tuple(places) for code, places in self._gated.items()}),
            parts=MappingProxyType({pool: self._in_slots(pool) for pool in ("", *self._pools)}),
            inputs=MappingProxyType({code: self._inputs_of(reads) for code, reads in self._inputs.items()}),
        )

    def _in_slots(self, pool: str) -> tuple[CompiledQuestion | CompiledDerived | str, ...]:
        parts = self._parts.get(pool, {})
        return tuple(parts.get(slot, "") for slot in range(max(parts, default=-1) + 1))

    def _inputs_of(self, reads: frozenset[str]) -> tuple[str, ...]:
        """Return the derived values that ``reads`` need, directly or for the visibility of their pools."""
        inputs, seen, waiting = [], set[str](), list(reads)
        while waiting:
            code = waiting.pop()
            if code in seen:
                continue
            seen.add(code)
            if code in self._inputs:
                inputs.append(code)
            elif code in self._pools:
                waiting += [*self._whens[code], *filter(None, (self._homes[code],))]
        return tuple(inputs)


def _message_codes(question: CompiledQuestion) -> frozenset[str]:
    """Return the codes of all errors that an answer to ``question`` can have."""
    return question.validators | {WRONG_TYPE}


def _reads(expression: Expression | None) -> frozenset[str]:
    return expression.reads if expression else frozenset()
