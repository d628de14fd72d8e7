"""Splits the difference between two premiums of a product among the parts of its formula. Pure.

The parts are the terms, rate tables, factors and the minimum. Each has a value before and a value after, whatever
changed it: an answer, a rate, or the text of the part. The shares are those of ``price_split``
(docs/adr/0028-exact-shares-of-a-difference.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

import msgspec

from rules.definition.model import CompiledProduct
from rules.flow.premium import rate
from rules.flow.state import State
from rules.incremental.mixed_premium import MixedPremium, NewMinimum
from rules.incremental.price_split import NoSplit, split

#: The names of the minimum, and of a difference that cannot be split.
MINIMUM, FORMULA = "minimum", "formula"


class FormulaValues(msgspec.Struct, frozen=True):
    """The exact values of a product's formula for one document: amounts and factors by name, and the minimum."""

    amounts: dict[str, Fraction]
    factors: dict[str, Fraction]
    minimum: Fraction


def formula_values(state: State, product: CompiledProduct) -> FormulaValues | None:
    """Return the values of the formula of ``product``, None while one of them is unknown.

    A term is named by its amount, a rate table by its rate and pool, and a factor by its id.
    """
    adjusting = [rule for rule in product.rules if rule.overrides and rule.when.evaluate(state.root) is True]
    rated = rate(state, product, adjusting)
    if rated.missing:
        return None
    steps = [step.amount or Fraction(0) for step in rated.steps if step.kind in ("term", "table")]
    factors = zip(_numbered(f"factor {factor.id}" for factor in product.factors), product.factors, strict=True)
    return FormulaValues(
        amounts=dict(zip(_numbered(_texts(product)), steps, strict=True)),
        factors={name: Fraction(one.times) for name, one in factors if one.when.evaluate(rated.root) is True},
        minimum=Fraction(product.minimum),
    )


def split_by_part(
    before: FormulaValues | None, after: FormulaValues | None, *, premiums: tuple[int, int]
) -> dict[str, int]:
    """Return the share of each part of the formula in the difference of the two ``premiums``, in whole units of the
    currency that add up to it. A difference that cannot be split is under ``FORMULA``.
    """
    if before is not None and after is not None:
        parts, raised = _parts(before, after)
        mask = sum(part.mask for part in parts.values()) | (raised.bit if raised else 0)
        try:
            found = split(
                MixedPremium(list(parts.values()), before.minimum, mask, raised), before=premiums[0], after=premiums[1]
            )
        except NoSplit:
            found = None
        if found is not None and found.shares:
            by_bit = {part.mask: name for name, part in parts.items() if part.mask}
            if raised:
                by_bit[raised.bit] = MINIMUM
            return {by_bit[bit]: amount for bit, amount in found.shares.items() if amount}
    return {FORMULA: premiums[1] - premiums[0]}


class _KnownPart(NamedTuple):
    """A part with a value before and after its own change (``mask``, 0 without a change)."""

    mask: int
    is_factor: bool
    before: Fraction
    after: Fraction

    def value(self, selection: int) -> Fraction | None:
        return self.after if selection & self.mask else self.before


def _parts(before: FormulaValues, after: FormulaValues) -> tuple[dict[str, _KnownPart], NewMinimum | None]:
    parts: dict[str, _KnownPart] = {}
    bit = 1
    for is_factor, old, new in ((False, before.amounts, after.amounts), (True, before.factors, after.factors)):
        neutral = Fraction(1 if is_factor else 0)
        for name in {**old, **new}:
            values = old.get(name, neutral), new.get(name, neutral)
            differs = values[0] != values[1]
            parts[name] = _KnownPart(bit if differs else 0, is_factor, *values)
            bit <<= differs
    return parts, NewMinimum(bit, after.minimum) if after.minimum != before.minimum else None


def _texts(product: CompiledProduct) -> Iterator[str]:
    yield from (f"term {term.of.source}" for term in product.terms)
    yield from (f"rates by {table.rate_by.source} over {table.table.pool}" for table in product.tables)


def _numbered(names: Iterable[str]) -> Iterator[str]:
    """Yield ``names``; of equal ones the later ones are numbered."""
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        yield name if seen[name] == 1 else f"{name} ({seen[name]})"
