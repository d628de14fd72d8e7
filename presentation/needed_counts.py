"""The numbers of answers that a form needs: to decide its products, to price them, to quote, and to bind. Pure."""

from __future__ import annotations

import msgspec

from rules.flow.evaluation import Evaluation


class NeededCounts(msgspec.Struct, frozen=True):
    """The number of paths that some product's outcome (``decide``) or, beyond that, some premium (``price``) depends
    on, and of those needed to quote and to bind. One path can count in several.
    """

    decide: int = 0
    price: int = 0
    quote: int = 0
    bind: int = 0


def needed_counts(evaluation: Evaluation) -> NeededCounts:
    """Return the counts of one evaluation."""
    outcomes = evaluation.eligibility.values()
    decide = {path for outcome in outcomes for path in outcome.missing}
    price = {path for outcome in outcomes for path in outcome.missing_for_price}
    needed = evaluation.needed
    return NeededCounts(len(decide), len(price - decide), len(needed.quote), len(needed.bind))
