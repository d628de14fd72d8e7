"""The holder of a lock is stopped for longer than the lock lives, and a rival saves meanwhile (F5)."""

from __future__ import annotations

import random
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pytest

from failpoints import SAVING
from tests.harness.faults.trials import Report
from tests.harness.faults.world import World

FULL: Final = pytest.mark.fault
TTL: Final = 0.3
#: Points after the load and before the write.
STOPS: Final = [name for name in SAVING[SAVING.index("loaded") : SAVING.index("written")] if name != "index_written"]


def stop_and_overtake(
    world: World, stop: str, *, form: str, label: str, sabotage: str
) -> tuple[list[Report], list[str]]:
    """Stop a holder at ``stop``, let a rival save, let the holder continue; return the reports and the faults."""
    order = {"form": form, "ttl": TTL, "sabotage": sabotage}
    holder = world.fork("scenarios:save_one", label=f"{label} holder", failpoint=stop, action="tell and stop", **order)
    told = holder.next_report()
    if told != {"stopping": stop}:
        holder.finish()
        return holder.reports, [f"{label}: the holder did not stop at {stop}: {told}"]
    holder.wait_until_stopped()
    rival = world.do("scenarios:save_one", label=f"{label} rival", **order)
    holder.send(signal.SIGCONT)
    holder.finish()
    wrong = []
    if not any("version" in report for report in rival):
        wrong.append(f"{label}: the rival could not save: {rival}")
    if [report.get("error") for report in holder.reports[1:]] != ["StaleChangeset"]:
        wrong.append(f"{label}: the holder that stood still at {stop} was not refused: {holder.reports[1:]}")
    return [*holder.reports, *rival], wrong


def overtake(world: World, chance: random.Random, *, stops: int, sabotage: str = "") -> list[str]:
    """Stop ``stops`` holders, on all forms at once; return the broken promises."""
    orders = [(chance.choice(STOPS), str(number)) for number in range(stops)]

    def on_form(place: int) -> list[tuple[list[Report], list[str]]]:
        return [
            stop_and_overtake(world, stop, form=world.forms[place], label=label, sabotage=sabotage)
            for stop, label in orders[place :: len(world.forms)]
        ]

    with ThreadPoolExecutor(len(world.forms)) as pool:
        found = [pair for pairs in pool.map(on_form, range(len(world.forms))) for pair in pairs]
    wrong = [sentence for _, sentences in found for sentence in sentences]
    return wrong + world.violations([report for reports, _ in found for report in reports])


@pytest.mark.parametrize("stops", [8, pytest.param(200, marks=FULL)])
def test_a_holder_stopped_for_too_long_is_refused(world: World, chance: random.Random, stops: int) -> None:
    assert overtake(world, chance, stops=stops) == []


@pytest.mark.slow
def test_a_writer_that_trusts_its_lock_is_detected(world: World, chance: random.Random) -> None:
    found = overtake(world, chance, stops=8, sabotage="unfenced")

    assert any("was not refused" in sentence for sentence in found)
    assert any("acknowledged and written over" in sentence for sentence in found), "no update was lost"
