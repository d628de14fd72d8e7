"""Many writers append to a few lists while Redis is emptied every second and away for a while (F6)."""

from __future__ import annotations

import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Final, NamedTuple

import pytest
import redis

from tests.harness.faults import invariants
from tests.harness.faults.entry_catalogue import CAPACITY
from tests.harness.faults.servers import Servers
from tests.harness.faults.trials import Report
from tests.harness.faults.world import World

FULL: Final = pytest.mark.fault
WRITERS: Final = 8
SLOTS: Final = 5
#: Retries within which a save must succeed, and the share that must.
RETRIES: Final = 2
SHARE: Final = 0.99


class Course(NamedTuple):
    """The length of a run: appends of each writer, how often Redis is emptied, and when and how long it is away."""

    appends: int
    flush_every: float
    away_after: float
    away_for: float


#: Redis is emptied as often and away for the same part of the run as in the long one. Fewer appends would leave the
#: share to chance.
QUICK: Final = Course(appends=120, flush_every=1.0, away_after=1.0, away_for=1.0)
LONG: Final = Course(appends=2_000, flush_every=1.0, away_after=10.0, away_for=10.0)


def append_under_faults(world: World, chance: random.Random, course: Course, *, sabotage: str = "") -> list[str]:
    """Let the writers append; return the broken promises."""
    forms_per_slot = WRITERS * course.appends * 3 // (2 * SLOTS * CAPACITY) + 2
    made = world.do("scenarios:make_forms", count=forms_per_slot * SLOTS)[0]["forms"]
    slots = [made[place::SLOTS] for place in range(SLOTS)]
    reader = world.fork("append_trials:read_entries", forms=[slot[0] for slot in slots])
    writers = [
        world.fork(
            "append_trials:append_entries",
            writer=str(number),
            slots=slots,
            appends=course.appends,
            seed=chance.getrandbits(32),
            sabotage=sabotage,
        )
        for number in range(WRITERS)
    ]
    began = time.monotonic()
    with ThreadPoolExecutor(WRITERS) as pool:
        ends = [pool.submit(writer.finish, 600) for writer in writers]
        trouble_redis(world.servers, course, lambda: all(end.done() for end in ends))
        assert [end.result() for end in ends] == [0] * WRITERS
    seconds = time.monotonic() - began
    reader.send(signal.SIGKILL)
    reader.finish()
    reports = [report for writer in writers for report in writer.reports]
    tell(reports, seconds)
    return [
        *(str(report) for report in [*reports, *reader.reports] if "error" in report or "broken" in report),
        *wrong_lists(world, reports, appends=course.appends),
        *world.violations(reports, is_keyed=False),
        *too_many_tries(reports, appends=course.appends),
        *([] if any("rounds" in report for report in reader.reports) else ["nothing was read meanwhile"]),
    ]


def trouble_redis(servers: Servers, course: Course, is_over: Callable[[], bool]) -> None:
    """Empty Redis repeatedly, and stop it once, until the writers are done. Restarts it from this thread:
    a server ends with the thread that started it.
    """
    began, has_been_away = time.monotonic(), False
    next_flush = began + course.flush_every
    while not is_over():
        time.sleep(0.05)
        if not has_been_away and time.monotonic() - began > course.away_after:
            servers.kill_redis()
            time.sleep(course.away_for)
            servers.start_redis()
            has_been_away = True
        if time.monotonic() < next_flush:
            continue
        next_flush += course.flush_every
        with redis.Redis.from_url(servers.redis_url) as client:
            client.flushall()
    assert has_been_away, "the writers were done before Redis went away"


def wrong_lists(world: World, reports: list[Report], *, appends: int) -> list[str]:
    """Return the faults of the lists: each entry must occur once, each revision's list must extend the one before."""
    with world.connect() as connection:
        stored = invariants.read(connection)
    wrong, found = [], Counter[object]()
    for form, revisions in stored.revisions.items():
        lists = [
            [row.answers["entry"].value for row in revisions[version].document.answer_pools.get("entries", ())]
            for version in sorted(revisions)
        ]
        wrong += [f"{form} went from {before} to {after}" for before, after in pairwise(lists) if after[:-1] != before]
        found.update(lists[-1])
    told = Counter(report["label"] for report in reports if "label" in report)
    wrong += [f"lost {label}" for label in told - found]
    wrong += [f"twice or never asked for: {label}" for label in found - told]
    return wrong if len(told) == WRITERS * appends else [*wrong, f"{len(told)} appends were acknowledged"]


def too_many_tries(reports: list[Report], *, appends: int) -> list[str]:
    """Return a sentence if too few saves succeeded within the retries."""
    soon = sum(report["tries"] <= RETRIES for report in reports if "tries" in report)
    share = soon / (WRITERS * appends)
    return [] if share >= SHARE else [f"only {share:.2%} of the saves succeeded within {RETRIES} retries"]


def tell(reports: list[Report], seconds: float) -> None:
    """Print the course of the run."""
    tries = Counter(report["tries"] for report in reports if "tries" in report)
    failures = sum((Counter(report["failures"]) for report in reports if "failures" in report), Counter())
    sys.stdout.write(f"{sum(tries.values())} appends in {seconds:.1f} s, retries {sorted(tries.items())}, {failures}\n")


@pytest.mark.parametrize("course", [QUICK, pytest.param(LONG, marks=FULL)], ids=["quick", "long"])
def test_no_append_is_lost_without_redis(world: World, chance: random.Random, course: Course) -> None:
    assert append_under_faults(world, chance, course) == []


@FULL
def test_appends_find_a_writer_that_trusts_its_lock(world: World, chance: random.Random) -> None:
    found = append_under_faults(
        world, chance, QUICK._replace(appends=30, flush_every=0.2, away_after=0.2, away_for=0.5), sabotage="unfenced"
    )

    assert any(sentence.startswith("lost ") for sentence in found)
