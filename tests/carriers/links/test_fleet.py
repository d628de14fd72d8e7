"""Callers with nothing in common but Redis, counted at the carrier: one token refresh, one breaker, one pace."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from carriers.links import breaker, redis_client
from carriers.links.breaker import return_permit, take_permit
from carriers.links.breaker_rules import FAILURES, OPEN_SECONDS, Result
from carriers.links.errors import CircuitOpen
from carriers.links.link import CallContext, Link
from carriers.links.loop import run
from carriers.links.tokens import HeldToken
from redis_locks.lua_scripts import script_of
from tests.harness.carrier_caller import LoopCaller, Order, ProcessCaller
from tests.harness.carrier_links import link_to
from tests.harness.counting_carrier import CountingCarrier
from tests.harness.tiers import PATIENCE, amount, until, within

LINK = {"timeout_seconds": 0.5, "most_in_flight": 50}
#: The time limit of calls that must not end by themselves, also on a machine that stalls.
LONG = {"timeout_seconds": 120.0, "connect_seconds": 120.0}


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for Redis also on a busy machine."""
    monkeypatch.setattr(redis_client, "CONNECT_SECONDS", PATIENCE)
    monkeypatch.setattr(redis_client, "RESPONSE_SECONDS", PATIENCE)


@pytest.fixture
def short_pause(monkeypatch: pytest.MonkeyPatch) -> float:
    """Open circuits for a second only."""
    monkeypatch.setattr(breaker, "_OPEN", 1_000_000)
    monkeypatch.setattr(breaker, "_TAKE_ARGUMENTS", (FAILURES, 1_000_000, *breaker._TAKE_ARGUMENTS[2:]))
    return 1.0


def called(kind: type[LoopCaller] | type[ProcessCaller], carrier: CountingCarrier, **order: Any) -> Counter[str]:
    """Call from two callers; return the results of both."""
    callers = [kind(Order(url=carrier.url, **order)) for _ in range(2)]
    return callers[0].results() + callers[1].results()


def assert_bounded(carrier: CountingCarrier, *, pause: float) -> None:
    """Assert at most five requests, then single ones with at least ``pause`` seconds before each.

    Needs calls that the carrier sees before they end, so with a time limit that no stall of the machine exceeds.
    """
    times = sorted(request.at for request in carrier.seen)
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    # Fewer than five where a connection already failed: such a call counts, and the carrier does not see it.
    first = next((place for place, gap in enumerate(gaps) if gap >= pause), None)
    assert first is not None, f"it was never probed: {gaps}"
    assert first + 1 <= FAILURES, gaps
    assert all(gap >= pause for gap in gaps[first:]), gaps


def stopped(callers: Sequence[LoopCaller]) -> Counter[str]:
    """End the callers; return the results of all."""
    for caller in callers:
        caller.stop()
    return sum((caller.results() for caller in callers), Counter())


def most_in(times: list[float], seconds: float) -> int:
    """Return the largest number of ``times`` in any window of ``seconds``."""
    return max((sum(at <= each < at + seconds for each in times) for at in times), default=0)


@pytest.mark.parametrize("kind", [LoopCaller, pytest.param(ProcessCaller, marks=pytest.mark.slow)])
def test_a_hundred_calls_refresh_the_token_once(kind: Any, carrier: CountingCarrier) -> None:
    carrier.delay = 0.1

    results = called(kind, carrier, seconds=PATIENCE, is_once=True)

    assert results["success"] == 100
    assert carrier.tokens == carrier.count("oauth") == 1


@pytest.mark.parametrize("behavior", ["status 500", pytest.param("cut", marks=pytest.mark.slow)])
def test_a_dead_carrier_gets_five_calls_and_then_one_per_pause(
    carrier: CountingCarrier, behavior: str, short_pause: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("carriers.links.caller.fetch_token", known_token)
    carrier.behave(behavior)

    callers = [LoopCaller(Order(url=carrier.url, seconds=PATIENCE, link={**LINK, **LONG})) for _ in range(2)]
    until(lambda: len(carrier.seen) > FAILURES and sum(caller.seen["circuit_open"] for caller in callers) > 100)
    results = stopped(callers)

    assert_bounded(carrier, pause=short_pause)
    assert results["success"] == 0


def test_a_carrier_that_hangs_gets_five_calls_and_then_one_per_pause(
    carrier: CountingCarrier, short_pause: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("carriers.links.caller.fetch_token", known_token)
    carrier.behave("hang")
    began = time.monotonic()

    link = {**LINK, "timeout_seconds": 1.0}
    callers = [LoopCaller(Order(url=carrier.url, seconds=PATIENCE, link=link)) for _ in range(2)]
    until(lambda: len(carrier.seen) > FAILURES and sum(caller.seen["circuit_open"] for caller in callers) > 100)
    results = stopped(callers)

    # Counted over the whole time: a stalled machine may bring a call to the carrier only after its time limit.
    assert len(carrier.seen) <= FAILURES + (time.monotonic() - began) / short_pause
    assert results["success"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("behavior", ["hang", "status 500", "cut"])
def test_two_processes_and_a_dead_carrier(carrier: CountingCarrier, behavior: str) -> None:
    carrier.behave(behavior)

    results = called(ProcessCaller, carrier, seconds=90, link=LINK)

    assert_bounded(carrier, pause=OPEN_SECONDS)
    assert results["circuit_open"] > 1_000


def test_the_dead_carrier_is_flooded_without_the_rule_on_calls_in_flight(
    carrier: CountingCarrier, short_pause: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counting only failures that are known, as common breakers do, admits every call that starts before the first."""
    common = breaker.TAKE.text.replace("+ redis.call('zcount', KEYS[2], since, '+inf')", "")
    assert common != breaker.TAKE.text
    monkeypatch.setattr(breaker, "TAKE", script_of(common))
    monkeypatch.setattr("carriers.links.caller.fetch_token", known_token)
    carrier.behave("hang")

    order = Order(url=carrier.url, seconds=PATIENCE, is_once=True, link={**LINK, **LONG})
    callers = [LoopCaller(order) for _ in range(2)]
    try:
        until(lambda: len(carrier.seen) >= 50)
    finally:
        carrier.behave("ok")
        stopped(callers)


async def known_token(link: Link, context: CallContext) -> HeldToken:
    """Return a token without a call, which would be the only one in flight."""
    return HeldToken("access", b"")


def test_after_recovery_the_calls_drain_at_the_carriers_pace(
    carrier: CountingCarrier, short_pause: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("carriers.links.caller.fetch_token", known_token)
    carrier.behave("status 500")
    link = {**LINK, **LONG, "per_minute": 600}
    callers = [LoopCaller(Order(url=carrier.url, seconds=PATIENCE, link=link)) for _ in range(2)]
    until(lambda: len(carrier.seen) >= FAILURES)
    recovered = time.monotonic()
    carrier.behave("ok")
    until(lambda: sum(caller.seen["success"] for caller in callers) >= amount(20, full=25))
    stopped(callers)

    times = [request.at for request in carrier.seen[FAILURES:]]
    # 501 calls per minute at an even pace. Counted from the recovery: a stalled machine may bring the first calls late.
    assert len(times) <= 501 / 60 * (times[-1] - recovered) + 1
    # The full tier has the machine to itself: calls come one by one, and make use of the pace.
    assert most_in(times, 1.0) <= amount(len(times), full=12)
    assert len(times) >= amount(0, full=60) / 100 * 501 / 60 * (times[-1] - times[0])


@pytest.mark.slow
def test_a_carrier_that_flaps_is_not_flooded(carrier: CountingCarrier, short_pause: float) -> None:
    callers = [LoopCaller(Order(url=carrier.url, tasks=10, seconds=5, rest=0.05, link=LINK)) for _ in range(2)]
    dead: list[tuple[float, float]] = []
    for _ in range(2):
        time.sleep(0.8)
        carrier.behave("hang")
        time.sleep(0.3)  # What was sent before is on its way.
        began = time.monotonic()
        time.sleep(1.2)
        dead.append((began, time.monotonic()))
        carrier.behave("ok")
    results = callers[0].results() + callers[1].results()

    hung = [sum(began < request.at < until for request in carrier.seen) for began, until in dead]
    assert max(hung) <= FAILURES + 2, hung
    assert results["success"] > 50


def test_an_open_circuit_is_seen_by_every_process_at_once(carrier: CountingCarrier) -> None:
    link = link_to(carrier.url)

    async def fail() -> None:
        for permit in [await take_permit(link) for _ in range(FAILURES)]:
            await return_permit(permit, Result.FAILURE)

    async def is_refused() -> bool:
        try:
            await take_permit(link)
        except CircuitOpen:
            return True
        return False

    run(fail())
    failed = time.monotonic()

    # Another loop has its own connections and nothing in memory, as another process has. It asks once.
    assert asyncio.run(is_refused())
    assert time.monotonic() - failed < within(0.1)
