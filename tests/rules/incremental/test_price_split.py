"""Splits of price differences are the Shapley values of full runs of the rules, and add up to the dollar."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.flow.premium import rate
from rules.flow.shown_questions import decide
from rules.flow.state import State
from rules.incremental.mixed_premium import MixedPremium, Part, mixed_premium
from rules.incremental.price_split import NoSplit, PriceSplit, split
from rules.language.numbers import round_half_up
from tests.harness.boarding_catalogue import AS_OF, settle
from tests.harness.random_catalogues import random_catalogue
from tests.harness.tiers import amount as examples
from tests.rules.flow.test_price_stability import demo, random_form
from tests.rules.incremental.test_mixtures import edited, mixture_of, premium_in_full, reveal


class Constant:
    """A part of a premium without an engine: its value by selection."""

    def __init__(self, mask, value, *, is_factor=False):
        self.mask, self.is_factor = mask, is_factor
        self.value = lambda selection: value(selection & mask)


def premium_of(*parts, minimum=0):
    mask = 0
    for part in parts:
        mask |= part.mask
    return MixedPremium(parts, Fraction(minimum), mask)


def amount(place, before, after):
    return Constant(1 << place, lambda selection: Fraction(after if selection else before))


def factor(place, before, after):
    return Constant(1 << place, lambda selection: Fraction(after if selection else before), is_factor=True)


def rounded(value):
    return int(round_half_up(value))


def split_of(premium):
    return split(premium, before=rounded(premium.value(0)), after=rounded(premium.value(premium.mask)))


def brute_force(value, count):
    """Return the mean effects over all orders of ``count`` players."""
    shares = [Fraction(0)] * count
    for order in permutations(range(count)):
        selection = 0
        for player in order:
            shares[player] += Fraction(value(selection | 1 << player) - value(selection))
            selection |= 1 << player
    return [share / math.factorial(count) for share in shares]


def test_a_factor_shares_with_the_term_that_it_multiplies():
    # 100 -> 200 and times 1 -> 1.5: one at a time would be 100 and 50, which are not the 200 of both.
    made = split_of(premium_of(amount(0, 100, 200), factor(1, 1, Fraction(3, 2))))

    assert made == PriceSplit({1: 125, 2: 75}, {1: 0, 2: 0}, True)


def test_a_selection_below_the_minimum_is_priced_at_the_minimum():
    premium = premium_of(amount(0, 100, 250), amount(1, 100, 50), minimum=190)

    made = split_of(premium)

    # The order (0, 1): 200 -> 350 -> 300; the order (1, 0): 200 -> 190 -> 300.
    assert made.shares == {1: 130, 2: -30}
    assert made.is_exact


def test_a_change_that_nothing_rates_has_no_share():
    assert split_of(premium_of(amount(1, 5, 9))).shares == {2: 4}


def test_an_unknown_premium_between_the_two_is_not_split():
    unknown = Constant(3, lambda selection: None if selection == 1 else Fraction(100 + selection))

    with pytest.raises(NoSplit):
        split(premium_of(unknown), before=100, after=103)


def test_a_difference_with_other_causes_is_not_split():
    with pytest.raises(NoSplit):
        split(premium_of(amount(0, 100, 200)), before=100, after=300)


def test_sixty_separate_changes_are_split_exactly():
    parts = [amount(place, 10, 10 + place) for place in range(60)]

    made = split_of(premium_of(*parts, factor(60, 1, 2)))

    assert made.is_exact
    assert sum(made.shares.values()) == 2 * (600 + sum(range(60))) - 600
    assert made.shares[1 << 7] in (10, 11)
    assert split_of(premium_of(*reversed(parts), factor(60, 1, 2))) == made


def test_many_changes_at_the_minimum_are_sampled_with_their_errors():
    parts = [amount(place, 10, 30 if place % 2 else 5) for place in range(12)]
    premium = premium_of(*parts, minimum=121)

    made = split_of(premium)

    exact = exact_by_sizes(premium)
    assert not made.is_exact
    assert sum(made.shares.values()) == rounded(premium.value(premium.mask)) - rounded(premium.value(0))
    assert all(0 < error < 3 for error in made.errors.values())
    for bit, share in made.shares.items():
        assert abs(share - exact[bit]) <= 2 * made.errors[bit] + 1
    assert split_of(premium) == made


def exact_by_sizes(premium):
    """Return the exact shares by the definition over all selections."""
    count = premium.mask.bit_length()
    values = [premium.value(mask) for mask in range(1 << count)]
    shares = dict.fromkeys((1 << place for place in range(count)), Fraction(0))
    for mask, value in enumerate(values):
        size = mask.bit_count()
        for place in range(count):
            if not mask >> place & 1:
                weight = Fraction(math.factorial(size) * math.factorial(count - 1 - size), math.factorial(count))
                shares[1 << place] += weight * (values[mask | 1 << place] - value)
    return shares


def check(catalogue, seed, *, share):
    """Compare the splits of two forms with those of full runs in all orders; return how many were compared."""
    chance = Random(seed)
    left = random_form(catalogue, chance, share=share)
    settle(catalogue, left)
    right = edited(catalogue, left, chance)
    settle(catalogue, right)
    mixture, changes = mixture_of(catalogue, left, right)
    compared = 0
    if changes > 4:
        return 0
    for product in catalogue.products.values():
        values = [exact_premium(mixture, product, mask) for mask in range(1 << changes)]
        if not product.is_rated or None in values or not changes:
            continue
        before, after = rounded(values[0]), rounded(values[-1])
        premium = mixed_premium(mixture, product)

        made = split(premium, before=before, after=after)

        exact = brute_force(values.__getitem__, changes)
        assert sum(made.shares.values()) == after - before
        for place, wanted in enumerate(exact):
            assert abs(made.shares.get(1 << place, 0) - wanted) < 1
            assert 1 << place in made.shares or wanted == 0
        compared += after != before
    return compared


def exact_premium(mixture, product, selection):
    """Return the premium of a selection before rounding, from a full run."""
    if premium_in_full(mixture, product, selection) is None:
        return None
    state = State(mixture.catalogue, mixture.document(selection), as_of=AS_OF, reveal=reveal)
    state.open_gates.update(mixture.open_gates)
    decide(state)
    adjusting = [rule for rule in product.rules if rule.overrides and rule.when.evaluate(state.root) is True]
    steps = rate(state, product, adjusting).steps
    last = steps[-1] if steps else None
    if last is not None and last.kind in ("factor", "minimum"):
        return last.amount
    return sum((step.amount for step in steps), Fraction(0))


@settings(max_examples=examples(8, full=30), deadline=None)
@given(st.integers(0, 60), st.integers(0, 10_000))
def test_splits_are_those_of_full_runs_in_all_orders(catalogue_seed, seed):
    check(random_catalogue(catalogue_seed), seed, share=0.97)


def test_the_demo_s_splits_are_those_of_full_runs_in_all_orders():
    assert sum(check(demo(), seed, share=1) for seed in range(6)) > 3


@pytest.mark.slow
def test_a_thousand_splits_are_those_of_full_runs():
    assert sum(check(random_catalogue(seed % 61), seed, share=0.97) for seed in range(4_000)) > 150


def test_parts_of_a_premium_are_computed_once_for_each_selection_of_their_changes():
    calls = []
    part = Part(None, 0b101, lambda state: calls.append(state) or Fraction(1))  # type: ignore[arg-type]
    part._mixture = type("Mixture", (), {"state": staticmethod(lambda mask: mask)})  # type: ignore[assignment]

    assert [part.value(mask) for mask in (0b111, 0b101, 0b010, 0b000)] == [1, 1, 1, 1]
    assert calls == [0b101, 0]
