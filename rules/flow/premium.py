"""Computes a product's yearly premium in whole dollars, exactly, step by step. Pure.

The premium is the sum of terms and rate tables, times every factor that is true, at least the minimum. It is computed
with fractions and rounded half up once. While a term, table or factor is unknown there is no premium.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from rules.definition.model import CompiledFactor, CompiledProduct, CompiledRule, CompiledTable, CompiledTerm, Override
from rules.flow.state import Frame, State
from rules.language import numbers
from rules.language.values import Slots, Unknown, Value, merge

#: A larger premium is a mistake, and JSON readers lose digits.
_LARGEST: Final = 10**15


@dataclass(frozen=True, slots=True)
class PremiumStep:
    """One step: its description ``text``, the ``part`` that it adds and the ``total`` after it; None if an answer is
    missing. ``source`` is the term, table or factor, None of the minimum.
    """

    kind: str
    text: str
    part: Fraction | None
    total: Fraction | None
    source: CompiledTerm | CompiledTable | CompiledFactor | None = None

    @property
    def amount(self) -> Fraction | None:
        """Return what a term or table adds, or the total after a factor or the minimum."""
        return self.part if self.kind in ("term", "table") else self.total


@dataclass(frozen=True, slots=True)
class Rated:
    """A premium, or None if it has no formula, is too large or lacks an answer; ``missing`` are the paths of the
    answers and pools that it lacks. ``adjusted`` are the rated overrides with the ids of their rules.
    """

    premium: int | None
    missing: frozenset[str]
    steps: tuple[PremiumStep, ...]
    adjusted: tuple[tuple[str, Override], ...]
    root: Slots


def rate(state: State, product: CompiledProduct, adjusting: Iterable[CompiledRule] = ()) -> Rated:
    """Return the premium of ``product``; the values of the matching ``adjusting`` rules replace answers."""
    # A hidden question is not part of the form, so its override does not apply.
    overrides = [
        (rule.rule.id, override)
        for rule in adjusting
        for override in rule.overrides
        if state.root[override.slot] is not None
    ]
    adjusted = tuple(found for found in overrides if found[1].code not in state.undecided)
    root = rated_values(state, adjusted) if adjusted else state.root
    rating = _Rating(state, root)
    for _, override in overrides:
        rating.require(state.undecided.get(override.code, ()))
    for term in product.terms:
        rating.add_term(term)
    for table in product.tables:
        rating.add_table(table)
    for factor in product.factors:
        rating.multiply(factor)
    rating.raise_to(product)
    premium = rating.premium() if product.is_rated else None
    return Rated(premium, frozenset(rating.missing), tuple(rating.steps), adjusted, root)


class _Rating:
    """The total of a premium so far, its steps, and the answers that it lacks."""

    def __init__(self, state: State, root: Slots) -> None:
        self._state = state
        self._root = root
        self._total = Fraction(0)
        self.missing: set[str] = set()
        self.steps: list[PremiumStep] = []

    def require(self, paths: Iterable[str]) -> None:
        self.missing.update(paths)

    def add_term(self, term: CompiledTerm) -> None:
        amount = amount_of(term.of.evaluate(self._root))
        part = amount if isinstance(amount, Unknown) else amount * term.share
        self._add("term", term.formula, part, term)

    def add_table(self, table: CompiledTable) -> None:
        times = f" * {table.times.source}" if table.times else ""
        text = f"rates by {table.rate_by.source} over {table.table.pool}{times}"
        self._add("table", text, _table(self._state, self._root, table), table)

    def multiply(self, factor: CompiledFactor) -> None:
        truth = factor.when.evaluate(self._root)
        if truth.__class__ is Unknown:
            self.require(truth.paths)
        elif truth is not True:
            return
        self._raise(self._total * Fraction(factor.times), "factor", f"{factor.id}: * {factor.times}", factor)

    def raise_to(self, product: CompiledProduct) -> None:
        if not self.missing and self._total < product.floor:
            self._raise(product.floor, "minimum", f"minimum premium {product.minimum}")

    def premium(self) -> int | None:
        if self.missing or abs(self._total) > _LARGEST:
            return None
        return int(numbers.round_half_up(self._total))

    def _add(self, kind: str, text: str, amount: Fraction | Unknown, source: CompiledTerm | CompiledTable) -> None:
        if isinstance(amount, Unknown):
            self.require(amount.paths)
            self.steps.append(PremiumStep(kind, text, None, None, source))
        else:
            self._total += amount
            self.steps.append(PremiumStep(kind, text, amount, None if self.missing else self._total, source))

    def _raise(self, total: Fraction, kind: str, text: str, source: CompiledFactor | None = None) -> None:
        part, self._total = total - self._total, total
        is_known = not self.missing
        self.steps.append(PremiumStep(kind, text, part if is_known else None, total if is_known else None, source))


class _RatedValues(dict[int, Value]):
    """The document's values, except those that are set here."""

    def __init__(self, beneath: Slots) -> None:
        self._beneath = beneath

    def __missing__(self, slot: int) -> Value:
        return self._beneath[slot]


def rated_values(state: State, adjusted: Iterable[tuple[str, Override]]) -> Slots:
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


def _table(state: State, root: Slots, table: CompiledTable) -> Fraction | Unknown:
    """Return the sum over the rows, divided once and multiplied by ``times`` where that is a number."""
    pool, total = table.table.pool, Fraction(0)
    missing = [rows] if (rows := state.missing_rows(pool)) else []
    for row in state.visible_rows(pool):
        amount = amount_in_row(root, table, row)
        if isinstance(amount, Unknown):
            missing.append(amount)
        elif not missing:
            total += amount
    times = table.times.evaluate(root) if table.times else None
    if isinstance(times, Unknown):
        missing.append(times)
    if missing:
        return merge(missing)
    if table.amount:
        total /= table.per
    return total if times is None else total * Fraction(times)


def amount_in_row(root: Slots, table: CompiledTable, row: Frame) -> Fraction | Unknown:
    """Return the rated amount of one row, before the division and ``times`` of the table."""
    code = table.rate_by.evaluate(root, row)
    amount = amount_of(table.amount.evaluate(root, row)) if table.amount else Fraction(1)
    missing = [value for value in (code, amount) if isinstance(value, Unknown)]
    if missing or isinstance(amount, Unknown):
        return merge(missing)
    return amount * table.rates.get(code, Fraction(0))


def amount_of(value: Value) -> Fraction | Unknown:
    """Return ``value`` as a fraction: 0 for hidden."""
    if isinstance(value, Unknown):
        return value
    return Fraction(0) if value is None else Fraction(value)
