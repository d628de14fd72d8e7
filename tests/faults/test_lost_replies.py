"""The reply to a save is lost in transit (F4): a repetition with the same key gets the one stored response."""

from __future__ import annotations

import random
from typing import Final

import pytest

from tests.harness.faults.proxy import Fate, proxying
from tests.harness.faults.trials import Report
from tests.harness.faults.web import Caller, serving
from tests.harness.faults.world import World

FULL: Final = pytest.mark.fault
TTL: Final = 0.3


def lose_replies(world: World, chance: random.Random, *, cuts: int, sabotage: str = "") -> list[str]:
    """Lose requests and replies of saves by the batch API, repeat with the key; return the broken promises."""
    wrong, acknowledged = [], []
    with proxying(world.servers.ports[0]) as proxy:
        for number in range(cuts):
            # The first reply is lost in any case.
            fate = Fate.REPLY_LOST if number == 0 or chance.random() < 0.8 else Fate.REQUEST_LOST
            proxy.fate_of_save = lambda fate=fate: fate  # type: ignore[misc]
            order = {"form": world.forms[number % len(world.forms)], "label": str(number), "ttl": TTL}
            first = world.do("scenarios:save_one", port=proxy.port, sabotage=sabotage, **order)
            if [report.get("error") for report in first] != ["OperationalError"]:
                wrong.append(f"{number}: the connection was lost and the saver says {first}")
            again = world.do("scenarios:save_one", sabotage=sabotage, **order)
            if [report.get("repeated", False) for report in again] != [fate is Fate.REPLY_LOST]:
                wrong.append(f"{number}: {fate.value}, asked again: {again}")
            acknowledged += again
        if sum(proxy.seen.values()) != cuts:
            wrong.append(f"{cuts} saves went by and the proxy saw {proxy.seen}")
    return wrong + wrong_steps(acknowledged, sabotage=sabotage) + world.violations(acknowledged)


def wrong_steps(acknowledged: list[Report], *, sabotage: str) -> list[str]:
    """Return the faults of the versions: each form's saves must be 2, 3, 4 and so on."""
    forms = {report["form"] for report in acknowledged if "version" in report}
    made = {form: [r["version"] for r in acknowledged if r.get("form") == form and "version" in r] for form in forms}
    return [f"{form} went by {steps}" for form, steps in made.items() if steps != list(range(2, len(steps) + 2))]


@pytest.mark.parametrize("cuts", [10, pytest.param(200, marks=FULL)])
def test_a_lost_reply_and_a_repeated_key_are_one_save(world: World, chance: random.Random, cuts: int) -> None:
    assert lose_replies(world, chance, cuts=cuts) == []


@pytest.mark.slow
def test_lost_replies_find_a_writer_that_drops_the_key(world: World, chance: random.Random) -> None:
    assert lose_replies(world, chance, cuts=5, sabotage="key_dropped") != []


def lose_replies_to_http(world: World, *, cuts: int, sabotage: str = "") -> list[str]:
    """Lose the replies of a web server to saves, let its client repeat; return the broken promises."""
    wrong, token = [], world.do("scenarios:make_token")[0]["token"]
    acknowledged: list[Report] = []
    with proxying(world.servers.ports[0]) as proxy:
        with serving(world, database_port=proxy.port, sabotage=sabotage) as port:
            caller = Caller(port, token)
            for number in range(cuts):
                fates = iter([Fate.REPLY_LOST])
                proxy.fate_of_save = lambda fates=fates: next(fates, Fate.PASSES)  # type: ignore[misc]
                form = world.forms[number % len(world.forms)]
                row = {"answers": {"entry": str(number)}}
                body = {"answers": {"kennel_name": str(number)}, "answer_pools": {"entries": [row]}}
                answer = caller.patch_until_done(f"/copies/{form}/answers", body, key=str(number))
                if answer.status != 200:
                    wrong.append(f"{number}: {answer}")
                    continue
                acknowledged.append({"form": form, "label": str(number), "version": answer.json()["version"]})
            if caller.statuses != {503: cuts, 200: cuts}:
                wrong.append(f"the client saw {caller.statuses}")
            wrong += caller.faulty
    return wrong + wrong_steps(acknowledged, sabotage=sabotage) + world.violations(acknowledged)


@pytest.mark.parametrize("cuts", [4, pytest.param(200, marks=FULL)])
def test_a_client_that_repeats_after_a_lost_reply_gets_its_answer(world: World, cuts: int) -> None:
    assert lose_replies_to_http(world, cuts=cuts) == []


@FULL
def test_a_client_finds_a_writer_that_drops_the_key(world: World) -> None:
    assert lose_replies_to_http(world, cuts=2, sabotage="key_dropped") != []
