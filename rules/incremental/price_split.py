"""Splits the difference between two premiums of a product among the changes that make it. Pure.

The split is our estimate: the carrier's own rating may weigh the changes otherwise. Its game is the exact premium
before rounding, as if the product were eligible with every selection of the changes
(docs/adr/0028-exact-shares-of-a-difference.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Final

import msgspec

from rules.incremental.mixed_premium import MixedPremium, PremiumPart, total_of
from rules.incremental.shapley import exact_shares, in_whole_units, sampled_shares
from rules.language.numbers import round_half_up

#: Games of up to so many changes are solved exactly: 2^10 premiums.
MOST_EXACT: Final = 10
#: Steps of a sample: changes times orders. The figure bounds the time of a sample to some tens of milliseconds.
_SAMPLED_STEPS: Final = 600
_LEAST_PAIRS: Final = 8


class PriceSplit(msgspec.Struct, frozen=True):
    """The shares of a difference by the bit of their change, in whole units of the currency that add up to it.

    A share of ``is_exact`` False is the mean of a sample; the exact one lies within its error with a probability of
    95%. Changes that cannot reach the premium have no share.
    """

    shares: dict[int, int]
    errors: dict[int, int]
    is_exact: bool


class NoSplit(Exception):
    """The difference cannot be split: for some changes alone the premium is unknown, or the rest of the documents
    differs as well.
    """


def split(premium: MixedPremium, *, before: int, after: int, seed: int = 0) -> PriceSplit:
    """Return the split of ``after - before``, the premiums that are shown for no change and for all.

    Raises ``NoSplit``.
    """
    bits = _bits(premium.mask)
    if (_rounded(premium.value(0)), _rounded(premium.value(premium.mask))) != (before, after):
        raise NoSplit
    exact = _split_by_terms(premium)
    if exact is None and len(bits) <= MOST_EXACT:
        exact = _split_at_once(premium, bits)
    if exact is not None:
        shares = in_whole_units([exact[bit] for bit in bits], after - before)
        return PriceSplit(dict(zip(bits, shares, strict=True)), dict.fromkeys(bits, 0), True)
    return _sampled(premium, bits, difference=after - before, seed=seed)


def _split_by_terms(premium: MixedPremium) -> dict[int, Fraction] | None:
    """Return the shares as sums over the terms, each a small game with the factors, as long as no selection is priced
    at the minimum; None where this is not possible.
    """
    factors = [part for part in premium.parts if part.is_factor]
    shared = _mask(factors)
    terms: dict[int, list[PremiumPart]] = {}
    for part in premium.parts:
        if not part.is_factor:
            terms.setdefault(part.mask, []).append(part)
    if any((mask | shared).bit_count() > MOST_EXACT for mask in terms):
        return None
    times = _products(factors, _bits(shared))
    amounts = {mask: _sums(parts, _bits(mask)) for mask, parts in terms.items()}
    least = total_of([min(found) for found in amounts.values()])
    if least < 0 or min(times) < 0 or least * min(times) < max(map(premium.minimum_in, (0, premium.mask))):
        return None
    shares = dict.fromkeys(_bits(premium.mask), Fraction(0))
    # What no change and what single changes add is the same game but for its size: it is solved once for all of them.
    alone = total_of([found[0] for found in amounts.values()])
    _share_out(shares, [alone], 0, times, shared)
    steps = {mask: found[1] - found[0] for mask, found in amounts.items() if len(found) == 2 and not mask & shared}
    if steps:
        of_step, of_factors = _solve_step(times, shared)
        for mask, step in steps.items():
            shares[mask] += step * of_step
        steps_in_all = total_of(list(steps.values()))
        for bit, share in of_factors.items():
            shares[bit] += steps_in_all * share
    for mask, found in amounts.items():
        if mask and mask not in steps:
            _share_out(shares, [amount - found[0] for amount in found], mask, times, shared)
    return shares


def _share_out(
    shares: dict[int, Fraction], amounts: Sequence[Fraction], mask: int, times: Sequence[Fraction], shared: int
) -> None:  # fmt: skip
    """Add the shares in a term, by the selections of ``mask``, times the factors, by those of ``shared``."""
    bits = _bits(mask | shared)
    values = [
        amount * factor
        for amount, factor in zip(_spread(amounts, mask, bits), _spread(times, shared, bits), strict=True)
    ]
    for bit, share in zip(bits, _exact(values), strict=True):
        shares[bit] += share


def _solve_step(times: Sequence[Fraction], shared: int) -> tuple[Fraction, dict[int, Fraction]]:
    """Return the shares of a change that adds 1 before the factors, and those of the factors' changes in that."""
    bits = _bits(shared)
    step, *others = _exact([value * factor for factor in times for value in (Fraction(0), Fraction(1))])
    return step, dict(zip(bits, others, strict=True))


def _split_at_once(premium: MixedPremium, bits: Sequence[int]) -> dict[int, Fraction]:
    """Return the shares of a game of few changes by the premiums of all its selections."""
    totals = [Fraction(0)] * (1 << len(bits))
    for part in premium.parts:
        if not part.is_factor:
            own = _spread(_sums([part], _bits(part.mask)), part.mask, bits)
            totals = [total + amount for total, amount in zip(totals, own, strict=True)]
    factors = [part for part in premium.parts if part.is_factor]
    times = _spread(_products(factors, _bits(_mask(factors))), _mask(factors), bits)
    minimums = map(premium.minimum_in, _selections(bits))
    values = [max(total * factor, minimum) for total, factor, minimum in zip(totals, times, minimums, strict=True)]
    return dict(zip(bits, _exact(values), strict=True))


def _sampled(premium: MixedPremium, bits: Sequence[int], *, difference: int, seed: int) -> PriceSplit:
    known: dict[int, float] = {}

    def value(selection: int) -> float:
        if selection not in known:
            mask = sum(bit for place, bit in enumerate(bits) if selection >> place & 1)
            known[selection] = float(_known(premium.value(mask)))
        return known[selection]

    pairs = max(_SAMPLED_STEPS // (2 * len(bits)), _LEAST_PAIRS)
    sample = sampled_shares(len(bits), value, pairs=pairs, seed=seed)
    # What rounding to binary fractions loses is far below a cent; the whole units still have to add up.
    shares = [Fraction(share) for share in sample.shares]
    shares[0] += _known(premium.value(premium.mask)) - _known(premium.value(0)) - sum(shares)
    return PriceSplit(
        dict(zip(bits, in_whole_units(shares, difference), strict=True)),
        {bit: math.ceil(error) for bit, error in zip(bits, sample.errors, strict=True)},
        False,
    )


def _sums(parts: Iterable[PremiumPart], bits: Sequence[int]) -> list[Fraction]:
    """Return the sum of ``parts`` in every selection of ``bits``, in binary order."""
    return [total_of([_known(part.value(mask)) for part in parts]) for mask in _selections(bits)]


def _products(parts: Iterable[PremiumPart], bits: Sequence[int]) -> list[Fraction]:
    return [math.prod((_known(part.value(mask)) for part in parts), start=Fraction(1)) for mask in _selections(bits)]


def _spread(values: Sequence[Fraction], mask: int, bits: Sequence[int]) -> list[Fraction]:
    """Return the ``values`` of the selections of ``mask`` for all selections of ``bits``."""
    places, step = [0], 1
    for bit in bits:
        if bit & mask:
            places += [place + step for place in places]
            step *= 2
        else:
            places += places
    return [values[place] for place in places]


def _exact(values: Sequence[Fraction]) -> list[Fraction]:
    """Return the shares of a game of fractions: whole numbers are added much faster."""
    scale = math.lcm(*(value.denominator for value in values))
    shares = exact_shares([value.numerator * (scale // value.denominator) for value in values])
    return [share / scale for share in shares]


def _selections(bits: Sequence[int]) -> list[int]:
    masks = [0]
    for bit in bits:
        masks += [mask | bit for mask in masks]
    return masks


def _bits(mask: int) -> list[int]:
    return [1 << place for place in range(mask.bit_length()) if mask >> place & 1]


def _mask(parts: Iterable[PremiumPart]) -> int:
    mask = 0
    for part in parts:
        mask |= part.mask
    return mask


def _known(value: Fraction | None) -> Fraction:
    if value is None:
        raise NoSplit
    return value


def _rounded(value: Fraction | None) -> int | None:
    return None if value is None else int(round_half_up(value))
