"""A carrier that hangs delays no other, and replies are recorded soon after they arrive; figures are printed."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any, Final
from uuid import UUID

import pytest
from django.db import connection, connections

from quoting.attempts import Attempts, Job
from quoting.dispatcher import DATABASE_THREADS, Dispatcher
from tenants.models import Tenant
from tests.harness.carrier_lane import Doors, hang, knock
from tests.harness.tiers import within

pytestmark = pytest.mark.django_db(transaction=True)
CARRIERS: Final = [f"C{number}" for number in range(10)]
HANGING: Final = CARRIERS[0]
#: Seconds within which a healthy carrier replies, for each form.
LONGEST_EACH: Final = 0.15


@dataclass
class Times:
    """When each action was stored, replied to, and recorded, by carrier and form."""

    replied: dict[str, float] = field(default_factory=dict)
    recorded: dict[str, float] = field(default_factory=dict)

    def reply(self, chance: random.Random, *, longest: float) -> Callable[[str], Awaitable[str]]:
        async def call(name: str) -> str:
            await asyncio.sleep(chance.uniform(0.05, longest))
            self.replied[name] = time.perf_counter()
            return "opened"

        return call


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> Times:
    times, conclude = Times(), Attempts.conclude

    def timed(self: Attempts, jobs: Sequence[Job], replies: Sequence[Future[Any]]) -> None:
        conclude(self, jobs, replies)
        for job in jobs:
            times.recorded[job.delivered.payload["name"]] = time.perf_counter()

    monkeypatch.setattr(Attempts, "conclude", timed)
    return times


def run(tenant: Tenant, forms: list[UUID], times: Times, *, is_hanging: bool, places: int) -> list[float]:
    """Ask all carriers about all ``forms`` at once; return the seconds until each healthy one is recorded."""
    doors, chance = Doors(most_in_flight=places), random.Random(7)
    doors.register()
    for carrier in CARRIERS:
        doors.calls[carrier] = times.reply(chance, longest=LONGEST_EACH * len(forms))
    if is_hanging:
        doors.calls[HANGING] = hang
    times.replied.clear()
    times.recorded.clear()
    for form in forms:
        for carrier in CARRIERS:
            knock(tenant, form, carrier, f"{carrier}/{form}")
    began, wanted = time.perf_counter(), len(forms) * len(CARRIERS[is_hanging:])
    pool = ThreadPoolExecutor(DATABASE_THREADS, initializer=lambda: None)
    dispatcher: Dispatcher = doors.dispatcher(pool=pool)
    while len(times.recorded) < wanted and time.perf_counter() - began < 120:
        dispatcher.turn()
    for _ in range(DATABASE_THREADS):
        pool.submit(lambda: (time.sleep(0.05), connections.close_all()))
    pool.shutdown()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE actions_outboxaction")
    assert len(times.recorded) == wanted
    return [moment - began for name, moment in times.recorded.items() if not name.startswith(f"{HANGING}/")]


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize(("amount", "most"), [(6, 1.6), (50, 1.25)])
def test_a_hanging_carrier_moves_no_other(
    kennels: Tenant, make_form: Callable[..., UUID], times: Times, amount: int, most: float
) -> None:
    forms = [make_form() for _ in range(amount)]

    alone = quantiles(run(kennels, forms, times, is_hanging=False, places=amount), n=20)[-1]
    beside = quantiles(run(kennels, forms, times, is_hanging=True, places=amount), n=20)[-1]

    print(f"p95 of nine carriers: {alone:.3f} s, beside a hanging one {beside:.3f} s, {beside / alone:.3f} times")  # noqa: T201
    assert beside / alone <= most


def test_replies_of_the_others_are_recorded_beside_a_hanging_carrier(
    kennels: Tenant, make_form: Callable[..., UUID], times: Times
) -> None:
    forms = [make_form() for _ in range(3)]

    recorded = run(kennels, forms, times, is_hanging=True, places=3)

    assert len(recorded) == 3 * len(CARRIERS[1:])


@pytest.mark.parametrize("amount", [4, pytest.param(50, marks=[pytest.mark.slow, pytest.mark.alone])])
def test_replies_are_recorded_soon(kennels: Tenant, make_form: Callable[..., UUID], times: Times, amount: int) -> None:
    forms = [make_form() for _ in range(amount)]

    run(kennels, forms, times, is_hanging=False, places=amount)

    lags = sorted(times.recorded[name] - moment for name, moment in times.replied.items())
    p95 = quantiles(lags, n=20)[-1]
    print(f"{len(lags)} replies, recorded after {median(lags) * 1e3:.1f} ms, p95 {p95 * 1e3:.1f} ms")  # noqa: T201
    assert p95 < within(1)
