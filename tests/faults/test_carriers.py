"""Dispatchers are killed at each step of submission and import, and carriers lose their replies: what the carrier has
quoted is what is recorded here, and nothing is sent twice blindly.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

import pytest

from failpoints import CALLING, SAVING
from tests.harness.faults import dispatching
from tests.harness.faults.world import World
from tests.harness.ledger_carrier import Ledger, ledger_carrier

FULL: Final = pytest.mark.fault
#: A dispatcher saves twice for a request: when it is submitted, and when the reply is imported.
STEPS: Final = [
    *((name, 1) for name in CALLING),
    *((name, nth) for nth in (1, 2) for name in SAVING if name not in ("index_written", "responded")),
]
REQUESTS: Final = (
    "SELECT request_token, carrier_reference, state, premium, reason FROM forms_quoterequest WHERE state <> 'draft'"
)
QUOTED: Final = ["quoted", 640]
DISPATCH: Final = "carrier_trials:dispatch"
KINDS: Final = "%quote_request"


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with ledger_carrier() as ledger:
        yield ledger


def kill_at(world: World, step: tuple[str, int], *, form: int = 0, worse: str = "") -> list[str]:
    """Ask for one quote and kill its dispatcher at ``step``; another one finishes. Return what is wrong."""
    world.do("carrier_trials:ask", forms=[world.forms[form % len(world.forms)]])
    return dispatching.kill_at(world, DISPATCH, step, kinds=KINDS, worse=worse)


def differences(world: World, ledger: Ledger) -> list[str]:
    """Return how carrier and records differ, and what was sent blindly."""
    with world.connect() as connection:
        rows = connection.execute(REQUESTS).fetchall()
        left = dispatching.left(connection, KINDS)
    here = {(token, reference) for token, reference, *_ in rows}
    there = {(token, quote["reference"]) for token, quote in ledger.quotes.items()}
    wrong = [f"only here: {one}" for one in here - there] + [f"only there: {one}" for one in there - here]
    wrong += [f"{token} is {state}: {reason}" for token, _, *state, reason in rows if state != QUOTED]
    wrong += [f"{token} was sent again blindly" for token in ledger.blind_resends]
    wrong += [f"left: {row}" for row in left]
    print(*wrong, sep="\n")  # noqa: T201 - shown where the test fails
    return wrong


def kill_everywhere(world: World, ledger: Ledger, *, rounds: int, worse: str = "") -> list[str]:
    world.do("carrier_trials:link_up", url=ledger.url)
    steps = enumerate(STEPS * rounds)
    wrong = [fault for number, step in steps for fault in kill_at(world, step, form=number, worse=worse)]
    return wrong + differences(world, ledger)


@pytest.mark.parametrize("rounds", [pytest.param(10, marks=pytest.mark.slow), pytest.param(200, marks=FULL)])
def test_a_kill_at_any_step_leaves_one_quote_there_and_here(world: World, ledger: Ledger, rounds: int) -> None:
    assert kill_everywhere(world, ledger, rounds=rounds) == []


def test_a_kill_at_a_step_of_the_call_leaves_one_quote_there_and_here(world: World, ledger: Ledger) -> None:
    world.do("carrier_trials:link_up", url=ledger.url)

    wrong = [fault for name in CALLING for fault in kill_at(world, (name, 1))]

    assert wrong + differences(world, ledger) == []


@pytest.mark.parametrize(
    "worse",
    [pytest.param("sends without asking", marks=pytest.mark.slow), pytest.param("sends before it records", marks=FULL)],
)
def test_kills_find_a_dispatcher_that(world: World, ledger: Ledger, worse: str) -> None:
    world.do("carrier_trials:link_up", url=ledger.url)

    for name in ("carrier_called", "carrier_replied"):
        kill_at(world, (name, 1), worse=worse)

    assert any("blindly" in fault for fault in differences(world, ledger))


def lose_replies(world: World, ledger: Ledger, chance: random.Random, *, requests: int, worse: str = "") -> list[str]:
    """Have the carrier accept and not reply, up to three times for a request; return what is wrong."""
    world.do("carrier_trials:link_up", url=ledger.url)
    wrong = []
    for number in range(requests):
        # The first reply is lost in any case.
        ledger.losing = chance.choice([0, 1, 1, 2] if number else [1, 2])
        world.do("carrier_trials:ask", forms=[chance.choice(world.forms)])
        wrong += dispatching.finish(world, DISPATCH, kinds=KINDS, worse=worse)
    return wrong + differences(world, ledger)


@pytest.mark.parametrize("requests", [3, pytest.param(6, marks=pytest.mark.slow), pytest.param(200, marks=FULL)])
def test_a_reply_that_is_lost_after_acceptance_is_asked_for(
    world: World, ledger: Ledger, chance: random.Random, requests: int
) -> None:
    assert lose_replies(world, ledger, chance, requests=requests) == []


@pytest.mark.slow
def test_lost_replies_find_a_dispatcher_that_sends_without_asking(
    world: World, ledger: Ledger, chance: random.Random
) -> None:
    wrong = lose_replies(world, ledger, chance, requests=1, worse="sends without asking")

    assert any("blindly" in fault for fault in wrong)
