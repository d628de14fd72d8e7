"""Dispatchers are killed at each step of a binding, and the carrier loses its replies: what the carrier has bound is
what is recorded here, once, and nothing is sent twice blindly.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any, Final

import psycopg
import pytest

from failpoints import CALLING, SAVING
from tests.harness.binding_carrier import BindingCarrier, binding_carrier
from tests.harness.faults.world import World

#: A dispatcher saves twice: when the attempt is recorded, and when the result is applied.
STEPS: Final = [
    *((name, 1) for name in CALLING),
    *((name, nth) for nth in (1, 2) for name in SAVING if name not in ("index_written", "responded")),
]
BINDINGS: Final = """SELECT b.bind_token, b.state, b.policy_number, q.state, c.lock_reason
  FROM forms_binding b JOIN forms_quoterequest q ON q.id = b.quote_request_id JOIN copies_copy c ON c.id = b.copy_id"""
LEFT: Final = "SELECT kind, state, last_error FROM actions_outboxaction WHERE kind = 'bind_quote_request'"
BOUND: Final = ("bound", "P-77", "bound", "Bound: policy P-77")


@pytest.fixture
def carrier() -> Iterator[BindingCarrier]:
    with binding_carrier() as running:
        yield running


def expire_leases(connection: psycopg.Connection[Any]) -> None:
    """The dead one's leases are over, and what waits for its time is due."""
    connection.execute(
        "UPDATE actions_outboxaction SET leased_until = leased_until - interval '1 min',"
        " next_attempt_at = least(next_attempt_at, now())"
    )


def kill_at(world: World, step: tuple[str, int], *, worse: str = "") -> list[str]:
    """Request one binding and kill its dispatcher at ``step``; another one finishes. Return what is wrong."""
    name, nth = step
    world.do("binding_trials:ask")
    trial = world.fork("binding_trials:dispatch", failpoint=name, nth=nth, worse=worse)
    status = trial.finish()
    finish(world, worse=worse)
    return [] if status == -signal.SIGKILL else [f"nobody was killed at {name} {nth}: {trial.reports}"]


def finish(world: World, *, worse: str = "") -> None:
    """Dispatch until nothing is left."""
    with world.connect() as connection:
        for _ in range(20):
            expire_leases(connection)
            world.do("binding_trials:dispatch", worse=worse)
            if not connection.execute(LEFT).fetchall():
                return


def differences(world: World, carrier: BindingCarrier) -> list[str]:
    """Return how carrier and records differ, and what was sent blindly."""
    with world.connect() as connection:
        rows = connection.execute(BINDINGS).fetchall()
        left = connection.execute(LEFT).fetchall()
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
        finish(world)

    assert differences(world, carrier) == []
    assert len(carrier.bindings) == 5


@pytest.mark.slow
@pytest.mark.parametrize("worse", ["sends without asking", "sends before it records"])
def test_kills_find_a_dispatcher_that(world: World, carrier: BindingCarrier, worse: str) -> None:
    world.do("carrier_trials:link_up", url=carrier.url)

    for name in ("carrier_called", "carrier_replied"):
        kill_at(world, (name, 1), worse=worse)

    assert any("blindly" in fault for fault in differences(world, carrier))
