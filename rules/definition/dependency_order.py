"""Computes the order in which visibility and derived values are decided, and the gates of carrier questions. Pure.

A carrier question depends on its products, and rules of the products may read carrier questions. To make the result
unique and free of cycles, a gate contains only checks and rules that read (directly or through other values) no carrier
question except earlier ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from rules.definition.model import CompiledProduct, CompiledQuestion, CompiledSet, Gate
from rules.language.expressions import Expression


class Reads:
    """The dependencies of each value: question, derived and pool codes, and sets as ``set:code``."""

    def __init__(
        self,
        *,
        sets: Iterable[CompiledSet],
        questions: Mapping[str, CompiledQuestion],
        derived: Mapping[str, Expression],
    ) -> None:
        """Collect the dependencies of the compiled parts; carrier questions need no gates yet."""
        self._needs: dict[str, frozenset[str]] = {}
        for part in sets:
            around = frozenset((part.parent,)) if part.parent else frozenset()
            self._needs[set_node(part.question_set.code)] = around | _reads(part.when)
            if part.pool:
                self._needs[part.pool] = frozenset((set_node(part.question_set.code),))
        for code, question in questions.items():
            self._needs[code] = frozenset((set_node(question.set_code),)) | _reads(question.when)
        for code, value in derived.items():
            self._needs[code] = value.reads
        carriers = [code for code, question in questions.items() if question.question.products]
        self._positions = {code: position for position, code in enumerate(carriers)}
        self._last: dict[frozenset[str], int] = {}

    def add(self, code: str, reads: frozenset[str]) -> None:
        """Add ``reads`` to the dependencies of ``code``."""
        self._needs[code] |= reads

    def position(self, code: str) -> int:
        """Return the position of a carrier question among all of them."""
        return self._positions[code]

    def is_before(self, reads: frozenset[str], position: int) -> bool:
        """Return whether ``reads`` lead to no carrier question except ones before ``position``."""
        if reads not in self._last:
            self._last[reads] = max((self._positions.get(code, -1) for code in self._closure(reads)), default=-1)
        return self._last[reads] < position

    def order(self) -> list[str]:
        """Return all codes, each after its dependencies. Raises ``CycleError``."""
        return list(TopologicalSorter(self._needs).static_order())

    def closure(self, reads: frozenset[str]) -> frozenset[str]:
        """Return ``reads`` with all their dependencies."""
        return frozenset(self._closure(reads))

    def _closure(self, reads: frozenset[str]) -> set[str]:
        closure: set[str] = set()
        waiting = list(reads)
        while waiting:
            code = waiting.pop()
            if code not in closure:
                closure.add(code)
                waiting += self._needs.get(code, ())
        return closure


class GateMaker:
    """Makes the gates of carrier questions; equal gates are one object, so that a run decides it once."""

    def __init__(self, reads: Reads, products: Mapping[str, CompiledProduct]) -> None:
        self._reads = reads
        self._products = products
        self._made: dict[tuple[object, ...], Gate] = {}

    def gate(self, product_code: str, position: int) -> Gate:
        """Return the gate of a product for the carrier question at ``position``."""
        product = self._products[product_code]
        line = product.line
        rules = tuple(
            rule for rule in product.rules if rule.rule.then == "decline" and self._fits(rule.when.reads, position)
        )
        tables = tuple(table for table in product.tables if table.table.reason and self._fits(table.reads, position))
        rivals = tuple(self.gate(rival, position) for rival in product.rivals)
        states, industry = self._fits(line.states.reads, position), self._fits(line.industry.reads, position)
        key = (product_code, states, industry, tuple(map(id, rules)), tuple(map(id, tables)), tuple(map(id, rivals)))
        if key not in self._made:
            self._made[key] = Gate(
                product=product, states=states, industry=industry, tables=tables, rules=rules, rivals=rivals
            )
        return self._made[key]

    def _fits(self, reads: frozenset[str], position: int) -> bool:
        return self._reads.is_before(reads, position)


def gate_reads(gate: Gate) -> frozenset[str]:
    """Return all codes that deciding ``gate`` reads."""
    parts = [rule.when.reads for rule in gate.rules] + [table.reads for table in gate.tables]
    parts += [gate_reads(rival) for rival in gate.rivals]
    if gate.states:
        parts.append(gate.product.line.states.reads)
    if gate.industry:
        parts.append(gate.product.line.industry.reads)
    return frozenset().union(*parts)


def set_node(code: str) -> str:
    """Return the name of a question set among the dependencies."""
    return f"set:{code}"


def _reads(expression: Expression | None) -> frozenset[str]:
    return expression.reads if expression else frozenset()


__all__ = ["CycleError", "GateMaker", "Reads", "gate_reads", "set_node"]
