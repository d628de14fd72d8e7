"""Shapley values: the fair share of each player in what all players together change. Pure.

A game gives a number to every selection (bit mask) of its players. The share of a player is the mean of what joining
changes, over all orders in which the players can join (L. S. Shapley, A Value for n-Person Games, 1953). Shares add up
to the whole change; players that change nothing get nothing; players that change the same get the same.
"""

from __future__ import annotations

import math
import random  # noqa: TID251 - a seeded sample: the same question has the same answer
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Final, NamedTuple

#: Of a normal distribution, 95% lies within so many standard errors.
_CONFIDENCE: Final = 1.96


class Sample(NamedTuple):
    """Estimated shares, and the distance within which the exact ones lie with a probability of 95%."""

    shares: list[float]
    errors: list[float]


def exact_shares(values: Sequence[int]) -> list[Fraction]:
    """Return the share of each of n players; ``values`` are those of all 2^n selections in binary order."""
    count = len(values).bit_length() - 1
    if not count:
        return []
    joins = [math.factorial(size) * math.factorial(count - 1 - size) for size in range(count)]
    sizes = _sizes(count)
    # A selection counts for its members with the weight of the join before it, and against all others.
    against = sum(joins[size] * value for size, value in zip(sizes, values, strict=True) if size < count)
    weights = [0, *(joins[size - 1] + (joins[size] if size < count else 0) for size in range(1, count + 1))]
    sums = [weights[size] * value for size, value in zip(sizes, values, strict=True)]
    shares, orders = [Fraction(0)] * count, math.factorial(count)
    for player in range(count - 1, -1, -1):
        half = 1 << player
        without, members = sums[:half], sums[half:]
        shares[player] = Fraction(sum(members) - against, orders)
        sums = [one + other for one, other in zip(without, members, strict=True)]
    return shares


def sampled_shares(count: int, value: Callable[[int], float], *, pairs: int, seed: int) -> Sample:
    """Return the shares of ``count`` players from ``pairs`` of random orders, each with its reverse.

    Both orders of a pair err in opposite directions where players strengthen or weaken each other, so that their mean
    errs less. The shares add up to the whole change, but for rounding.
    """
    chance, order = random.Random(seed), list(range(count))  # noqa: S311 - no secret
    sums, squares = [0.0] * count, [0.0] * count
    for _ in range(pairs):
        chance.shuffle(order)
        means = [0.0] * count
        for players in (order, order[::-1]):
            selection, before = 0, value(0)
            for player in players:
                selection |= 1 << player
                after = value(selection)
                means[player] += (after - before) / 2
                before = after
        for player, mean in enumerate(means):
            sums[player] += mean
            squares[player] += mean * mean
    shares = [total / pairs for total in sums]
    spreads = [
        max(square / pairs - share * share, 0.0) / max(pairs - 1, 1)
        for square, share in zip(squares, shares, strict=True)
    ]
    return Sample(shares, [_CONFIDENCE * math.sqrt(spread) for spread in spreads])


def in_whole_units(shares: Sequence[Fraction], total: int) -> list[int]:
    """Return ``shares`` in whole units that add up to ``total``, by the largest remainders; ``total`` must be the
    rounded sum of the shares.

    Shares that are whole already stay as they are; of equal remainders, the first is rounded up.
    """
    scale = math.lcm(*(share.denominator for share in shares))
    # Whole numbers are compared much faster than fractions.
    parts = [divmod(share.numerator * (scale // share.denominator), scale) for share in shares]
    floors = [floor for floor, _ in parts]
    rest = total - sum(floors)
    by_remainder = sorted(range(len(shares)), key=lambda place: (-parts[place][1], place))
    for place in by_remainder[:rest]:
        floors[place] += 1
    return floors


def _sizes(count: int) -> list[int]:
    """Return the number of players in each of the 2^count selections."""
    sizes = [0]
    for _ in range(count):
        sizes += [size + 1 for size in sizes]
    return sizes
