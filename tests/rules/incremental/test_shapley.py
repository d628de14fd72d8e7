"""The laws of Shapley values, and the values themselves by brute force over all orders."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import permutations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.incremental.shapley import exact_shares, in_whole_units, sampled_shares


def games(most=5):
    return st.integers(0, most).flatmap(
        lambda count: st.lists(st.integers(-(10**6), 10**6), min_size=1 << count, max_size=1 << count)
    )


def by_brute_force(values):
    count = len(values).bit_length() - 1
    shares = [Fraction(0)] * count
    for order in permutations(range(count)):
        selection = 0
        for player in order:
            shares[player] += values[selection | 1 << player] - values[selection]
            selection |= 1 << player
    return [share / math.factorial(count) for share in shares]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(games())
def test_shares_are_the_means_over_all_orders(values):
    assert exact_shares(values) == by_brute_force(values)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(games(8))
def test_shares_add_up(values):
    assert sum(exact_shares(values)) == values[-1] - values[0]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(games(5), st.data())
def test_a_player_without_effect_gets_nothing(values, data):
    player = data.draw(st.integers(0, len(values).bit_length() - 1))
    # Insert a player that changes nothing at the place of a bit.
    low = (1 << player) - 1
    wider = [values[(mask >> 1 & ~low) | (mask & low)] for mask in range(2 * len(values))]

    shares = exact_shares(wider)

    assert shares[player] == 0
    assert shares[:player] + shares[player + 1 :] == exact_shares(values)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(games(5))
def test_players_with_equal_effects_get_the_same(values):
    symmetric = [values[min(mask, _swapped(mask))] for mask in range(len(values))]

    shares = exact_shares(symmetric)

    assert len(shares) < 2 or shares[0] == shares[1]


def _swapped(mask):
    """Return a selection with the first two players in each other's place."""
    return mask & ~3 | (mask & 1) << 1 | (mask & 2) >> 1


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(games(5), st.integers(-1000, 1000))
def test_shares_of_a_sum_are_sums_of_shares(values, times):
    other = [times * value // 7 for value in reversed(values)]

    both = exact_shares([one + two for one, two in zip(values, other, strict=True)])

    assert both == [one + two for one, two in zip(exact_shares(values), exact_shares(other), strict=True)]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(games(6), st.integers(1, 997))
def test_whole_units_add_up_and_stay_within_one_of_the_share(values, divisor):
    shares = [share / divisor for share in exact_shares(values)]
    for rounded in {math.floor(sum(shares)), math.ceil(sum(shares))}:
        units = in_whole_units(shares, rounded)

        assert sum(units) == rounded
        assert all(abs(unit - share) < 1 for unit, share in zip(units, shares, strict=True))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(games(6), st.integers(0, 100))
def test_a_sample_is_near_the_exact_shares_and_the_same_each_time(values, seed):
    exact = exact_shares(values)

    sample = sampled_shares(len(exact), lambda selection: float(values[selection]), pairs=40, seed=seed)

    assert sample == sampled_shares(len(exact), lambda selection: float(values[selection]), pairs=40, seed=seed)
    assert math.isclose(sum(sample.shares), values[-1] - values[0], abs_tol=1e-3)
    for share, estimate, error in zip(exact, sample.shares, sample.errors, strict=True):
        # Six standard errors, and something for samples without any spread.
        assert abs(float(share) - estimate) <= 4 * error + 4e6 / 40


def test_a_sample_of_a_sum_is_exact():
    values = [sum((1, 20, 300)[player] for player in range(3) if mask >> player & 1) for mask in range(8)]

    sample = sampled_shares(3, lambda selection: float(values[selection]), pairs=1, seed=0)

    assert sample == ([1.0, 20.0, 300.0], [0.0, 0.0, 0.0])


def test_error_bars_hold_nineteen_times_in_twenty():
    values = [((mask * 2654435761) >> 7) % 1000 for mask in range(1 << 6)]
    exact = exact_shares(values)
    outside = 0
    for seed in range(200):
        sample = sampled_shares(6, lambda selection: float(values[selection]), pairs=60, seed=seed)
        outside += sum(
            abs(float(share) - estimate) > error
            for share, estimate, error in zip(exact, sample.shares, sample.errors, strict=True)
        )

    assert 0.02 < outside / 1200 < 0.09
