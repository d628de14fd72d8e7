"""The rules of a catalogue as signal-driven models need them: one by one, found by the answers that they read.

Conditions, form rules (in rows of pools too), derived values and products, each a function of plain answers; the
expressions are our own compiled ones, so that the evaluation is not compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

from rules.definition.model import CompiledCatalogue, CompiledFormRule, CompiledProduct
from rules.language.expressions import Expression
from rules.language.values import NOTHING, Unknown

AS_OF: Final = date(2026, 6, 1)
#: Row id ("" for the top), question code and value of an active answer.
Known = tuple[str, str, Any]


class Values(NamedTuple):
    """Answers as expressions read them: those of the top by slot, and the rows."""

    root: list[Any]
    rows: dict[str, SimpleNamespace]


class Rule(NamedTuple):
    """A rule that is decided when one of the answers ``reads`` changes; ``shows`` is the question that a condition
    shows.
    """

    id: str
    reads: frozenset[str]
    decide: Callable[[Values], Any]
    shows: str = ""


class Rules:
    """The rules of one catalogue."""

    def __init__(self, catalogue: CompiledCatalogue) -> None:
        self._catalogue = catalogue
        self._by_code: dict[str, list[Rule]] = {}
        for rule in self._all():
            for code in rule.reads:
                self._by_code.setdefault(code, []).append(rule)

    def reading(self, code: str) -> list[Rule]:
        """Return the rules that read the question ``code``."""
        return self._by_code.get(code, [])

    def values(self, known: Iterable[Known]) -> Values:
        """Return plain answers as ``Values``."""
        catalogue = self._catalogue
        values = Values([NOTHING] * catalogue.width, {})
        values.root[0] = AS_OF
        for row_id, code, value in known:
            question = catalogue.questions[code]
            place = values.root
            if row_id:
                width = catalogue.pools[question.pool].width
                row = values.rows.setdefault(row_id, SimpleNamespace(values=[NOTHING] * width, parent=None))
                place = row.values
            if value not in (None, "", []):
                place[question.slot] = question.read(value)
        for pool in catalogue.pools.values():
            values.root[pool.slot] = list(values.rows.values())
        return values

    def _all(self) -> list[Rule]:
        catalogue = self._catalogue
        found = [
            Rule(code, question.when.reads, _is_true(question.when), code)
            for code, question in catalogue.questions.items()
            if question.when is not None and not question.pool
        ]
        found += [Rule(rule.rule.id, rule.when.reads, _speaks(rule)) for rule in catalogue.form_rules]
        found += [Rule(code, part.value.reads, _value(part.value)) for code, part in catalogue.derived.items()]
        found += [
            Rule(code, _product_reads(product), _outcome(product)) for code, product in catalogue.products.items()
        ]
        return found


def _is_true(when: Expression) -> Callable[[Values], bool]:
    return lambda values: when.evaluate(values.root) is True


def _speaks(rule: CompiledFormRule) -> Callable[[Values], Any]:
    """Return the ids of the rows in which the rule is true, or whether it is at the top; None without a result."""
    if not rule.pool:
        return lambda values: rule.when.evaluate(values.root) is True or None
    return lambda values: (
        sorted(key for key, row in values.rows.items() if rule.when.evaluate(values.root, row) is True) or None
    )


def _value(expression: Expression) -> Callable[[Values], Any]:
    def decide(values: Values) -> Any:
        found = expression.evaluate(values.root)
        if found is None or isinstance(found, Unknown):
            return None
        return float(found) if isinstance(found, Decimal) else found

    return decide


def _product_reads(product: CompiledProduct) -> frozenset[str]:
    return frozenset().union(*(rule.when.reads for rule in product.rules), *(term.of.reads for term in product.terms))


def _outcome(product: CompiledProduct) -> Callable[[Values], Any]:
    def decide(values: Values) -> dict[str, Any]:
        hits = {rule.rule.then for rule in product.rules if rule.when.evaluate(values.root) is True}
        outcome = next((outcome for outcome in ("decline", "refer") if outcome in hits), "eligible")
        premium = product.minimum
        for term in product.terms:
            amount = term.of.evaluate(values.root)
            if isinstance(amount, int | Decimal):
                premium = max(premium, term.rate * amount / term.per)
        return {"outcome": outcome, "premium": int(premium)}

    return decide
