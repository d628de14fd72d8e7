"""The premium of one product in every selection of the changes between two documents, part by part. Pure.

A premium is a sum of terms times factors, and each part reads few answers: a part is computed once for each selection
of the changes that can reach it, and the premium of any selection is put together from parts. The result is that of
``rules.flow.premium.rate`` before it is rounded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from typing import NamedTuple, Protocol, TypeAlias

from rules.definition.model import CompiledFactor, CompiledProduct, CompiledTable, CompiledTerm, Override
from rules.flow.premium import amount_in_row, amount_of, rated_values
from rules.flow.state import Frame
from rules.incremental.mixed_rows import MixedRow
from rules.incremental.mixed_state import MixedState, Mixture
from rules.incremental.reach import family_of
from rules.incremental.separable_sums import row_sum
from rules.language.expressions import Expression
from rules.language.values import Slots, Unknown

#: Returns the value of a part in one state, None while it is unknown.
_Evaluate: TypeAlias = Callable[[MixedState], Fraction | None]
_ONE, _ZERO = Fraction(1), Fraction(0)


class PremiumPart(Protocol):
    """A part of a premium, whatever its values are made of."""

    @property
    def mask(self) -> int:
        """Return the changes that can reach it."""

    @property
    def is_factor(self) -> bool:
        """Return whether it is a number to multiply by, and not an amount to add."""

    def value(self, selection: int) -> Fraction | None:
        """Return its value in a selection of changes, None while it is unknown."""


class Part:
    """A part of a premium: an amount to add, or a number to multiply by. ``mask`` are the changes that can reach it."""

    __slots__ = ("_evaluate", "_mixture", "_values", "is_factor", "mask")

    def __init__(self, mixture: Mixture, mask: int, evaluate: _Evaluate, *, is_factor: bool = False) -> None:
        self._mixture = mixture
        self._evaluate = evaluate
        self._values: dict[int, Fraction | None] = {}
        self.mask = mask
        self.is_factor = is_factor

    def value(self, selection: int) -> Fraction | None:
        """Return the part's value in a selection of changes, None while it is unknown."""
        selected = selection & self.mask
        if selected not in self._values:
            self._values[selected] = self._evaluate(self._mixture.state(selected))
        return self._values[selected]

    def value_in(self, state: MixedState) -> Fraction | None:
        """Return the part's value in the selection of ``state``."""
        return self.value(state.mask)


class NewMinimum(NamedTuple):
    """The minimum of a premium in the selections that contain the change ``bit``."""

    bit: int
    minimum: Fraction


class MixedPremium(NamedTuple):
    """The premium of a product in any selection of changes. ``mask`` are the changes that can reach it; ``raised`` is
    a change of the minimum itself.
    """

    parts: Sequence[PremiumPart]
    minimum: Fraction
    mask: int
    raised: NewMinimum | None = None

    def minimum_in(self, selection: int) -> Fraction:
        """Return the minimum in a selection of changes."""
        return self.raised.minimum if self.raised is not None and selection & self.raised.bit else self.minimum

    def value(self, selection: int) -> Fraction | None:
        """Return the exact premium before rounding, None while it is unknown."""
        amounts, times = list[Fraction](), _ONE
        for part in self.parts:
            value = part.value(selection)
            if value is None:
                return None
            if part.is_factor:
                times *= value
            else:
                amounts.append(value)
        return max(total_of(amounts) * times, self.minimum_in(selection))


def total_of(amounts: Sequence[Fraction]) -> Fraction:
    """Return the exact sum of ``amounts``; with one common denominator it takes a fraction of the time."""
    scale = math.lcm(*(amount.denominator for amount in amounts))
    return Fraction(sum(amount.numerator * (scale // amount.denominator) for amount in amounts), scale)


def mixed_premium(mixture: Mixture, product: CompiledProduct) -> MixedPremium:
    """Return the premium of ``product`` as if it were eligible in every selection of changes."""
    parts = list(_Parts(mixture, product).all())
    mask = 0
    for part in parts:
        mask |= part.mask
    return MixedPremium(parts, Fraction(product.minimum), mask)


class _Parts:
    def __init__(self, mixture: Mixture, product: CompiledProduct) -> None:
        self._mixture = mixture
        self._product = product
        self._adjusting = [rule for rule in product.rules if rule.overrides]
        overrides = [override for rule in self._adjusting for override in rule.overrides]
        #: The values that an adjust rule may replace, and the changes that decide whether it does.
        self._rated = {override.code for override in overrides}.union(*(override.reaches for override in overrides))
        self._adjust_mask = mixture.mask_of(
            code for rule in self._adjusting for code in (*rule.when.reads, *(item.code for item in rule.overrides))
        )

    def all(self) -> Iterator[Part]:
        if self._adjusting:
            yield Part(self._mixture, self._adjust_mask, self._adjustment)
        for term in self._product.terms:
            yield from self._term(term)
        for table in self._product.tables:
            yield from self._table(table)
        for factor in self._product.factors:
            yield self._part(factor.when.reads, _of_factor(factor), is_factor=True)

    def _part(
        self, reads: frozenset[str], evaluate: Callable[[Slots], Fraction | None], *, is_factor: bool = False
    ) -> Part:  # fmt: skip
        return Part(
            self._mixture, self._mask_of(reads), lambda state: evaluate(self._root(state, reads)), is_factor=is_factor
        )

    def _term(self, term: CompiledTerm) -> Iterator[Part]:
        """Yield one part, or for a sum over rows its value without changes, and what the changes of each row add."""
        whole, mixture = self._part(term.of.reads, _of_term(term)), self._mixture
        total = row_sum(mixture.catalogue, term.of) if whole.mask else None
        if total is None or not self._rated.isdisjoint(term.of.reads) or whole.value(0) is None:
            yield whole
            return
        around = (total.pool, *mixture.catalogue.pools[total.pool].ancestors)
        masks = [whole.mask & mixture.mask_of_row(total.pool, row.prefix) for row in mixture.rows(total.pool)]
        masks = [mask for mask in masks if mask]
        if mixture.mask_of(total.outer.union(around)) or not _divides(masks, whole.mask):
            yield whole
            return
        yield Part(mixture, 0, whole.value_in)
        yield from (Part(mixture, mask, partial(_added, whole)) for mask in masks)

    def _table(self, table: CompiledTable) -> Iterator[Part]:
        """Yield one part for the rows that no change reaches, and one for each other row."""
        mixture, pool, share = self._mixture, table.table.pool, _share_of(table)
        around = (pool, *mixture.catalogue.pools[pool].ancestors)
        in_rows = _reads(table.rate_by, table.amount)
        reads = in_rows | _reads(table.times)
        if mixture.mask_of(around) or not self._rated.isdisjoint(reads):
            # Rows come, go or hide, or rated values replace answers.
            mask = mixture.mask_of(around) | self._mask_of(reads)
            yield Part(mixture, mask, lambda state: self._all_rows(state, table, share))
            return
        if mixture.state(0).missing_rows(pool):
            yield Part(mixture, 0, lambda state: None)
            return
        family = frozenset(family_of(mixture.catalogue, pool))
        own, outer = mixture.mask_of(in_rows & family), mixture.mask_of(in_rows - family)
        times = mixture.mask_of(_reads(table.times))
        masks = {row: own & mixture.mask_of_row(pool, row.prefix) | outer for row in mixture.rows(pool)}
        unreached = [row for row, mask in masks.items() if not mask]
        yield Part(mixture, times, lambda state: _rows_amount(state, table, share, map(state.frame, unreached)))
        for row, mask in masks.items():
            if mask:
                yield Part(mixture, mask | times, partial(_row_amount, table, share, row))

    def _all_rows(self, state: MixedState, table: CompiledTable, share: Fraction) -> Fraction | None:
        """Return the value of a rate table whose rows may come, go or hide."""
        if state.missing_rows(table.table.pool):
            return None
        root = self._root(state, _reads(table.rate_by, table.amount, table.times))
        return _rows_amount(state, table, share, state.visible_rows(table.table.pool), root=root)

    def _adjustment(self, state: MixedState) -> Fraction | None:
        """Return 0 once it is known which values are rated instead of answers."""
        for rule in self._adjusting:
            truth = rule.when.evaluate(state.root)
            if isinstance(truth, Unknown):
                return None
            if truth is True and any(_is_undecided(state, override) for override in rule.overrides):
                return None
        return _ZERO

    def _root(self, state: MixedState, reads: frozenset[str]) -> Slots:
        """Return the values of the document, with rated values in place of answers where ``reads`` names one."""
        if self._rated.isdisjoint(reads):
            return state.root
        adjusted = [
            (rule.rule.id, override)
            for rule in self._adjusting
            if rule.when.evaluate(state.root) is True
            for override in rule.overrides
            if state.root[override.slot] is not None
        ]
        return rated_values(state, adjusted) if adjusted else state.root

    def _mask_of(self, reads: frozenset[str]) -> int:
        mask = self._mixture.mask_of(reads)
        return mask if self._rated.isdisjoint(reads) else mask | self._adjust_mask


def _divides(masks: Iterable[int], whole: int) -> bool:
    """Return whether each change of ``whole`` is in exactly one of ``masks``."""
    found = 0
    for mask in masks:
        if found & mask:
            return False
        found |= mask
    return found == whole


def _added(whole: Part, state: MixedState) -> Fraction | None:
    """Return the difference that the changes selected in ``state`` make to a part."""
    after, before = whole.value_in(state), whole.value(0)
    return None if after is None or before is None else after - before


def _share_of(table: CompiledTable) -> Fraction:
    """Return what the amounts of a rate table are multiplied by."""
    return 1 / table.per if table.amount else _ONE


def _row_amount(table: CompiledTable, share: Fraction, row: MixedRow, state: MixedState) -> Fraction | None:
    return _rows_amount(state, table, share, (state.frame(row),))


def _rows_amount(
    state: MixedState, table: CompiledTable, share: Fraction, rows: Iterable[Frame], *, root: Slots | None = None
) -> Fraction | None:  # fmt: skip
    """Return what ``rows`` add to a rate table, None while it is unknown; ``root`` replaces the document's values."""
    values, total = state.root if root is None else root, _ZERO
    for frame in rows:
        if frame.shown:
            amount = amount_in_row(values, table, frame)
            if isinstance(amount, Unknown):
                return None
            total += amount
    times = table.times.evaluate(values) if table.times else None
    if isinstance(times, Unknown):
        return None
    return total * share if times is None else total * share * Fraction(times)


def _of_term(term: CompiledTerm) -> Callable[[Slots], Fraction | None]:
    def evaluate(root: Slots) -> Fraction | None:
        amount = amount_of(term.of.evaluate(root))
        return None if isinstance(amount, Unknown) else amount * term.share

    return evaluate


def _of_factor(factor: CompiledFactor) -> Callable[[Slots], Fraction | None]:
    times = Fraction(factor.times)

    def evaluate(root: Slots) -> Fraction | None:
        truth = factor.when.evaluate(root)
        if isinstance(truth, Unknown):
            return None
        return times if truth is True else _ONE

    return evaluate


def _is_undecided(state: MixedState, override: Override) -> bool:
    """Return whether it is unknown if the question of ``override`` is shown; a question that is shown but not answered
    is unknown by its own path.
    """
    value = state.root[override.slot]
    return isinstance(value, Unknown) and value.paths != frozenset((override.code,))


def _reads(*texts: Expression | None) -> frozenset[str]:
    return frozenset().union(*(text.reads for text in texts if text is not None))
