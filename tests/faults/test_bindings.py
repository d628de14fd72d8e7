"""Dispatchers are killed at each step of a binding, and the carrier loses its replies: what the carrier has bound is
what is recorded here, once, and nothing is sent twice blindly.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from failpoints import CALLING, SAVING
from tests.harness.binding_carrier import BindingCarrier, binding_carrier
from tests.harness.faults import dispatching
from tests.harness.faults.world import World

#: A dispatcher saves twice: when the attempt is recorded, and when the result is applied.
STEPS: Final = [
    *((name, 1) for name in CALLING),
    *((name, nth) for nth in (1, 2) for name in SAVING if name not in ("index_written", "responded")),
]
BINDINGS: Final = """SELECT b.bind_token, b.state, b.policy_number, q.state, c.lock_reason
  FROM forms_binding b JOIN forms_quoterequest q ON q.id = b.quote_request_id JOIN copies_copy c ON c.id = b.copy_id"""
DISPATCH: Final = "binding_trials:dispatch"
KIND: Final = "bind_quote_request"
BOUND: Final = ("bound", "P-77", "bound", "Bound: policy P-77")


@pytest.fixture
def carrier() -> Iterator[BindingCarrier]:
    with binding_carrier() as running:
        yield running


def kill_at(world: World, step: tuple[str, int], *, worse: str = "") -> list[str]:
    """Request one binding and kill its dispatcher at ``step``; another one finishes. Return what is wrong."""
    world.do("binding_trials:ask")
    return dispatching.kill_at(world, DISPATCH, step, kinds=KIND, worse=worse)


def differences(world: World, carrier: BindingCarrier) -> list[str]:
    """Return how carrier and records differ, and what was sent blindly."""
    with world.connect() as connection:
        rows = connection.execute(BINDINGS).fetchall()
        left = dispatching.left(connection, KIND)
    here, there = {token for token, *_ in rows}, set(carrier.bindings)
    wrong = [f"only here: {one}" for one in here - there] + [f"only there: {one}" for one in there - here]
    wrong += [f"{token} is {facts}" for token, *facts in rows if tuple(facts) != BOUND]
    sent = [request["bind_token"] for request in carrier.requests]
    wrong += [f"{token} was sent again blindly" for token in here if sent.count(token) > 1]
    return wrong + [f"left: {row}" for row in left]


@pytest.mark.parametrize(
    "rounds", [pytest.param(1, marks=pytest.mark.slow), pytest.param(6, marks=pytest.mark.fault)]
)  # fmt: skip
def test_a_kill_at_any_step_leaves_one_policy_there_and_here(
    world: World, carrier: BindingCarrier, rounds: int
) -> None:
    world.do("carrier_trials:link_up", url=carrier.url)

    wrong = [fault for _ in range(rounds) for step in STEPS for fault in kill_at(world, step)]

    assert wrong + differences(world, carrier) == []
    assert len(carrier.bindings) == rounds * len(STEPS)


@pytest.mark.slow
def test_a_lost_reply_leaves_one_policy_there_and_here(world: World, carrier: BindingCarrier) -> None:
    world.do("carrier_trials:link_up", url=carrier.url)

    for _ in range(5):
        carrier.cuts = 1
        world.do("binding_trials:ask")
        assert dispatching.finish(world, DISPATCH, kinds=KIND) == []

    assert differences(world, carrier) == []
    assert len(carrier.bindings) == 5


@pytest.mark.slow
@pytest.mark.parametrize("worse", ["sends without asking", "sends before it records"])
def test_kills_find_a_dispatcher_that(world: World, carrier: BindingCarrier, worse: str) -> None:
    world.do("carrier_trials:link_up", url=carrier.url)

    for name in ("carrier_called", "carrier_replied"):
        kill_at(world, (name, 1), worse=worse)

    assert any("blindly" in fault for fault in differences(world, carrier))
