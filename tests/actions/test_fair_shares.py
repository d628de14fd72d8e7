"""Fair shares: by weight, without idle workers, and without savings of tenants that had no work."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from actions.fair_shares import FairShares, quotas

A, B, C = UUID(int=1), UUID(int=2), UUID(int=3)


def served(shares: FairShares, weights: dict[UUID, int], *, turns: int, amount: int = 1) -> dict[UUID, int]:
    got = dict.fromkeys(weights, 0)
    for _ in range(turns):
        first = shares.order(weights)[0]
        shares.charge(first, amount, weight=weights[first])
        got[first] += amount
    return got


def test_weights_three_to_one_hold_within_a_percent() -> None:
    got = served(FairShares(), {A: 3, B: 1}, turns=1_000)

    assert abs(got[A] / got[B] - 3) < 0.03


def test_a_tenant_alone_gets_everything() -> None:
    assert served(FairShares(), {A: 1}, turns=10) == {A: 10}


def test_a_tenant_whose_work_begins_to_wait_is_served_at_once_and_saves_up_nothing() -> None:
    shares = FairShares()
    served(shares, {A: 1}, turns=1_000, amount=100)

    got = served(shares, {A: 1, B: 1}, turns=100)

    assert shares.order({A: 1, B: 1})
    assert got == {A: 0, B: 100} or abs(got[A] - got[B]) <= 100

    served(shares, {A: 1}, turns=1_000)
    again = served(shares, {A: 1, B: 1}, turns=100)
    assert abs(again[A] - again[B]) <= 2


@given(
    weights=st.dictionaries(st.sampled_from([A, B, C]), st.integers(1, 100), min_size=1),
    amounts=st.lists(st.integers(1, 100), min_size=60, max_size=60),
)
def test_no_tenant_is_ahead_by_more_than_its_latest_chunks(weights: dict[UUID, int], amounts: list[int]) -> None:
    shares = FairShares()
    got = dict.fromkeys(weights, 0)
    for amount in amounts:
        first = shares.order(weights)[0]
        shares.charge(first, amount, weight=weights[first])
        got[first] += amount

    times = [got[tenant] / weights[tenant] for tenant in weights]
    assert max(times) - min(times) <= 100


@given(weights=st.dictionaries(st.uuids(), st.integers(1, 100), min_size=1, max_size=10), limit=st.integers(1, 500))
def test_quotas_fill_a_claim_and_never_exceed_it(weights: dict[UUID, int], limit: int) -> None:
    shares = quotas(sorted(weights), weights, limit=limit)

    assert sum(shares.values()) <= limit
    assert all(shares.values())
    assert len(shares) == min(len(weights), limit) or sum(shares.values()) == limit
