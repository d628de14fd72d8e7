"""Computes a product's yearly premium in whole dollars, in decimal arithmetic, step by step. Pure.

The premium is the sum of terms and rate tables, times every factor that is true, at least the minimum, rounded half up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from rules.definition.model import CompiledProduct, CompiledRule, CompiledTable, Override
from rules.flow.state import State
from rules.language.values import Slots, Unknown, Value

#: A larger premium is a mistake, and JSON readers lose digits.
_LARGEST: Final = Decimal(10) ** 15


@dataclass(frozen=True, slots=True)
class PremiumStep:
    """One step: its description ``text`` and the amount after it; None if an answer is missing."""

    kind: str
    text: str
    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class Rated:
    """A premium, or None if an answer is missing; ``adjusted`` are the rated overrides with the ids of their rules."""

    premium: int | None
    steps: tuple[PremiumStep, ...]
    adjusted: tuple[tuple[str, Override], ...]
    root: Slots


def rate(state: State, product: CompiledProduct, adjusting: Iterable[CompiledRule] = ()) -> Rated:
    """Return the premium of ``product``; the values of the matching ``adjusting`` rules replace answers."""
    # A hidden question is not part of the form, so its override does not apply.
    adjusted = tuple(
        (rule.rule.id, override)
        for rule in adjusting
        for override in rule.overrides
        if state.root[override.slot] is not None
    )
    root = _rated_values(state, adjusted) if adjusted else state.root
    steps: list[PremiumStep] = []
    total: Decimal | None = Decimal(0)
    for term in product.terms:
        amount = _amount(term.of.evaluate(root), term.rate / term.per)
        steps.append(PremiumStep("term", f"{term.of.source} / {term.per} * {term.rate}", amount))
        total = _plus(total, amount)
    for table in product.tables:
        amount = _table(state, root, table)
        times = f" * {table.times.source}" if table.times else ""
        steps.append(PremiumStep("table", f"rates by {table.rate_by.source} over {table.table.pool}{times}", amount))
        total = _plus(total, amount)
    for factor in product.factors:
        if total is not None and factor.when.evaluate(root) is True:
            total *= factor.times
            steps.append(PremiumStep("factor", f"{factor.id}: * {factor.times}", total))
    if total is not None and total < product.minimum:
        total = product.minimum
        steps.append(PremiumStep("minimum", f"minimum premium {product.minimum}", total))
    if total is None or abs(total) > _LARGEST:
        return Rated(None, tuple(steps), adjusted, root)
    return Rated(int(total.to_integral_value(ROUND_HALF_UP)), tuple(steps), adjusted, root)


class _RatedValues(dict[int, Value]):
    """The document's values, except those that are set here."""

    def __init__(self, beneath: Slots) -> None:
        self._beneath = beneath

    def __missing__(self, slot: int) -> Value:
        return self._beneath[slot]


def _rated_values(state: State, adjusted: Iterable[tuple[str, Override]]) -> Slots:
    """Return the document's values with the overrides, and with the derived values that depend on them."""
    root, reached = _RatedValues(state.root), set[str]()
    for _, override in adjusted:
        root[override.slot] = override.value
        reached.update(override.reaches)
    for code in state.catalogue.derived_order:
        if code in reached:
            part = state.catalogue.derived[code]
            root[part.slot] = part.value.evaluate(root)
    return root


def _table(state: State, root: Slots, table: CompiledTable) -> Decimal | None:
    total = Decimal(0)
    for row in state.visible_rows(table.table.pool):
        code = table.rate_by.evaluate(root, row)
        if code.__class__ is Unknown:
            return None
        amount = _amount(table.amount.evaluate(root, row), 1 / table.per) if table.amount else Decimal(1)
        if amount is None:
            return None
        total += amount * table.rates.get(code, Decimal(0))
    times = table.times.evaluate(root) if table.times else None
    return total if times is None or times.__class__ is Unknown else total * times


def _amount(value: Value, rate: Decimal) -> Decimal | None:
    """Return ``value * rate``: 0 for hidden, None for Unknown."""
    if value.__class__ is Unknown:
        return None
    return Decimal(0) if value is None else rate * value


def _plus(total: Decimal | None, amount: Decimal | None) -> Decimal | None:
    return None if total is None or amount is None else total + amount
