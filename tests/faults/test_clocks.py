"""A process whose clock is an hour off (F21): locks, keys, versions, actions and history are not affected."""

from __future__ import annotations

import signal
import time
from typing import Any, Final

import pytest

from tests.harness.faults.world import World

TTL: Final = 0.3
#: The error of a clock, in hours.
SKEWS: Final = [1.0, pytest.param(-1.0, marks=pytest.mark.slow)]


def save(world: World, form: str, label: str, **how: Any) -> dict[str, Any]:
    """Save once; return the report."""
    (report,) = world.do("scenarios:save_one", form=form, label=label, ttl=TTL, **how)
    assert "version" in report, report
    return report


@pytest.mark.parametrize("skew", SKEWS)
def test_a_lock_lives_by_the_clock_of_redis(world: World, skew: float) -> None:
    order = {"form": world.forms[0], "ttl": TTL}
    holder = world.fork(
        "scenarios:save_one", label="holder", failpoint="loaded", action="tell and stop", clock_hours=skew, **order
    )
    assert holder.next_report() == {"stopping": "loaded"}

    began = time.monotonic()
    rival = save(world, world.forms[0], "rival")
    waited = time.monotonic() - began

    holder.send(signal.SIGCONT)
    holder.finish()
    assert TTL / 2 < waited < TTL + 15.0
    assert [report.get("error") for report in holder.reports[1:]] == ["StaleChangeset"]
    assert world.violations([rival]) == []


def test_versions_follow_the_saves_not_the_clock(world: World) -> None:
    reports = [save(world, world.forms[0], str(number), clock_hours=(0, 1.0, -1.0)[number % 3]) for number in range(9)]

    assert [report["version"] for report in reports] == list(range(2, 11))
    assert world.violations(reports) == []
    assert world.do("scenarios:find_copy", form=world.forms[0])[0]["version"] == 10


@pytest.mark.parametrize("skew", SKEWS)
@pytest.mark.parametrize("first", [True, False], ids=["first", "second"])
def test_a_key_is_known_under_different_clocks(world: World, skew: float, first: bool) -> None:
    hours = (skew, 0.0) if first else (0.0, skew)

    made = save(world, world.forms[0], "once", clock_hours=hours[0])
    again = save(world, world.forms[0], "once", clock_hours=hours[1])

    assert again == {"form": world.forms[0], "label": "once", "version": made["version"], "repeated": True}


@pytest.mark.parametrize("skew", [pytest.param(0.0, marks=pytest.mark.slow), *SKEWS])
def test_a_key_is_stored_for_a_day_under_any_clock(world: World, skew: float) -> None:
    save(world, world.forms[0], "once")
    with world.connect() as connection:
        connection.execute("UPDATE batch_idempotencyrecord SET created_at = now() - interval '23 hours 30 minutes'")

    assert save(world, world.forms[0], "once", clock_hours=skew).get("repeated", False)


@pytest.mark.parametrize("skew", [pytest.param(0.0, marks=pytest.mark.slow), *SKEWS])
def test_an_action_is_due_at_once(world: World, skew: float) -> None:
    save(world, world.forms[0], "once", clock_hours=skew)

    with world.connect() as connection:
        query = "SELECT count(*) FROM actions_outboxaction WHERE next_attempt_at > now() + interval '1 minute'"
        assert connection.execute(query).fetchone() == (0,)


@pytest.mark.parametrize("skews", [pytest.param((0.0, 0.0), marks=pytest.mark.slow), (1.0, 0.0), (0.0, -1.0)])
def test_a_form_means_the_copy_touched_last(world: World, skews: tuple[float, float]) -> None:
    form = world.forms[0]
    early, late = (world.do("scenarios:make_copy", form=form)[0]["copy"] for _ in range(2))
    world.do("scenarios:delete_copy", form=form, base=late)

    save(world, early, "early", clock_hours=skews[0])
    save(world, late, "late", clock_hours=skews[1])

    assert world.do("scenarios:find_copy", form=form)[0]["copy"] == late


@pytest.mark.parametrize("skew", [pytest.param(0.0, marks=pytest.mark.slow), *SKEWS])
def test_a_save_is_in_the_history_at_once(world: World, skew: float) -> None:
    made = save(world, world.forms[0], "once", clock_hours=skew)

    assert world.do("scenarios:find_copy", form=world.forms[0], at_once=True)[0]["version"] == made["version"]
