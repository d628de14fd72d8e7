"""The breaker: one process's rules as tables, and the scripts of the fleet against them, step by step."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from django_redis import get_redis_connection

from carriers.links.breaker import _OPEN, _TAKE_ARGUMENTS
from carriers.links.breaker_rules import (
    FAILURES,
    Limits,
    ProcessBreaker,
    Result,
    Transition,
    Verdict,
    limits_of,
)
from carriers.links.breaker_script import FINISH, TAKE
from redis_locks.lua_scripts import run_script, script_of
from tests.harness.carrier_links import link_to
from tests.harness.cast import PROCESS
from tests.harness.tiers import amount

SECOND = 1_000_000
FAST = Limits(interval=1_000, burst=1_000, most_in_flight=20, lease=30 * SECOND)


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 1_000_000 * SECOND

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> ProcessBreaker:
    return ProcessBreaker(clock=clock)


def granted(breaker: ProcessBreaker, number: int, limits: Limits = FAST) -> list[str]:
    """Take ``number`` permits; return those that were granted."""
    names = [f"{random.random()}" for _ in range(number)]
    return [name for name in names if breaker.take("k", name, limits)[0] is Verdict.GRANTED]


def test_a_carrier_that_never_responded_gets_five_calls_at_once(breaker: ProcessBreaker) -> None:
    assert len(granted(breaker, 100)) == FAILURES
    assert breaker.take("k", "late", FAST)[0] is Verdict.UNDECIDED


def test_each_success_admits_more_up_to_the_most_in_flight(breaker: ProcessBreaker, clock: Clock) -> None:
    in_flight = granted(breaker, 100)
    while len(in_flight) < FAST.most_in_flight:
        clock.now += 1
        breaker.finish("k", in_flight.pop(), Result.SUCCESS, FAST)
        more = granted(breaker, 100)
        assert 0 < len(more) <= FAILURES
        in_flight += more

    assert breaker.take("k", "one too many", FAST)[0] is Verdict.FULL


def test_five_failures_open_the_circuit_for_thirty_seconds_and_one_probe(breaker: ProcessBreaker, clock: Clock) -> None:
    for permit in granted(breaker, FAILURES - 1):
        assert breaker.finish("k", permit, Result.FAILURE, FAST) is Transition.NONE
    (last,) = granted(breaker, 10)

    assert breaker.finish("k", last, Result.FAILURE, FAST) is Transition.OPENED
    assert breaker.take("k", "x", FAST) == (Verdict.OPEN, 30 * SECOND)

    clock.now += 30 * SECOND
    (probe,) = granted(breaker, 10)
    assert breaker.take("k", "y", FAST)[0] is Verdict.OPEN
    breaker.finish("k", probe, Result.FAILURE, FAST)
    clock.now += 30 * SECOND - 1
    assert granted(breaker, 10) == []

    clock.now += 1
    (probe,) = granted(breaker, 10)
    assert breaker.finish("k", probe, Result.SUCCESS, FAST) is Transition.CLOSED
    assert len(granted(breaker, 100)) == 1, "what has waited drains at an even pace"
    clock.now += FAST.interval
    assert len(granted(breaker, 100)) == 1


def test_a_busy_carrier_that_dies_gets_at_most_five_more_calls(breaker: ProcessBreaker, clock: Clock) -> None:
    in_flight, since_success = granted(breaker, 100), 0
    for _ in range(6):
        clock.now += 1_000
        breaker.finish("k", in_flight.pop(0), Result.SUCCESS, FAST)
        clock.now += 1_000
        more = granted(breaker, 100)
        in_flight, since_success = in_flight + more, len(more)
    assert len(in_flight) == FAST.most_in_flight

    for permit in in_flight:  # It has died: these fail one by one.
        breaker.finish("k", permit, Result.FAILURE, FAST)
        clock.now += 1_000
        since_success += len(granted(breaker, 100))

    assert 0 < since_success <= FAILURES


def test_the_permit_of_a_dead_process_counts_as_a_failure_unless_another_call_succeeded(
    breaker: ProcessBreaker, clock: Clock
) -> None:
    granted(breaker, FAILURES)
    clock.now += FAST.lease

    assert breaker.take("k", "x", FAST)[0] is Verdict.OPEN

    first, *_ = granted_at("other", breaker, FAILURES)
    clock.now += 1
    breaker.finish("other", first, Result.SUCCESS, FAST)
    clock.now += FAST.lease
    assert breaker.take("other", "x", FAST)[0] is Verdict.GRANTED


def granted_at(key: str, breaker: ProcessBreaker, number: int) -> list[str]:
    names = [f"{key} {place}" for place in range(number)]
    assert all(breaker.take(key, name, FAST)[0] is Verdict.GRANTED for name in names)
    return names


def test_a_call_that_was_not_sent_says_nothing(breaker: ProcessBreaker) -> None:
    for _ in range(50):
        (permit, *others) = granted(breaker, 1)
        breaker.finish("k", permit, Result.UNSENT, FAST)

    assert len(granted(breaker, 100)) == FAILURES


def test_a_requested_pause_is_kept(breaker: ProcessBreaker, clock: Clock) -> None:
    (permit,) = granted(breaker, 1)
    breaker.finish("k", permit, Result.SUCCESS, FAST, pause=7 * SECOND)

    assert breaker.take("k", "x", FAST) == (Verdict.PAUSED, 7 * SECOND)
    clock.now += 7 * SECOND
    assert len(granted(breaker, 1)) == 1


@pytest.mark.parametrize("per_minute", [1, 5, 6, 7, 30, 60, 90, 600, 6_001])
def test_no_minute_has_more_calls_than_the_carrier_allows(
    breaker: ProcessBreaker, clock: Clock, per_minute: int
) -> None:
    limits, times = limits_of(link_to("http://carrier", per_minute=per_minute, most_in_flight=200)), []
    step = limits.interval // 7 + 1
    while clock.now < 1_000_180 * SECOND and len(times) < 4_000:
        while breaker.take("k", "p", limits)[0] is Verdict.GRANTED:
            times.append(clock.now)
            breaker.finish("k", "p", Result.SUCCESS, FAST)
        clock.now += step
    most = max(sum(at <= each < at + 60 * SECOND for each in times) for at in times[:: max(1, len(times) // 200)])

    assert per_minute * 0.7 <= most <= per_minute or len(times) >= 4_000


def test_refused_callers_are_advised_to_come_one_by_one(breaker: ProcessBreaker, clock: Clock) -> None:
    limits = replace(FAST, interval=SECOND)
    for permit in granted(breaker, FAILURES, limits):
        breaker.finish("k", permit, Result.FAILURE, FAST)

    waits = [breaker.take("k", f"{place}", limits)[1] // SECOND for place in range(40)]

    assert waits == list(range(30, 70))


# The scripts against the rules


def with_test_time(text: str) -> str:
    """Return a script whose last argument is the time."""
    return text.replace("local time = redis.call('time')", "").replace(
        "local now = time[1] * 1000000 + time[2]", "local now = tonumber(ARGV[#ARGV])"
    )


def random_steps(seed: int, *, take: str, finish: str, steps: int = 400) -> Counter[str]:
    """Run random calls through scripts and rules; assert that both decide the same. Return what occurred."""
    chance, clock, seen = random.Random(seed), Clock(), Counter()
    rules, redis = ProcessBreaker(clock=clock), get_redis_connection("default")
    keys = (f"breaker:{PROCESS}:{{{seed}}}:state", f"breaker:{PROCESS}:{{{seed}}}:calls")
    scripts = script_of(take), script_of(finish)
    limits = Limits(
        interval=chance.choice([1_000, 300_000]),
        burst=chance.choice([1, 3]),
        most_in_flight=chance.choice([2, 8, 30]),
        lease=chance.choice([SECOND, 31 * SECOND]),
    )
    in_flight: list[str] = []
    health = 0.9
    try:
        for step in range(steps):
            clock.now += chance.choice([0, 1, 500, 20_000, SECOND // 2, chance.randrange(20 * SECOND)])
            if chance.random() < 0.03:
                health = chance.choice([0.0, 0.5, 0.95])
            if chance.random() < 0.55 or not in_flight:
                name = f"p{step}"
                expected = rules.take("k", name, limits)
                arguments = (name, limits.interval, limits.burst, limits.most_in_flight, limits.lease)
                verdict, wait, _ = run_script(redis, scripts[0], keys, (*arguments, *_TAKE_ARGUMENTS, clock.now))
                assert (Verdict(verdict), wait) == expected, f"step {step}: {rules._states['k']}"
                seen[Verdict(verdict).name] += 1
                if verdict == 0:
                    in_flight.append(name)
            elif chance.random() < 0.08:
                in_flight.pop()  # its process dies
            else:
                name = in_flight.pop(chance.randrange(len(in_flight)))
                result = Result.UNSENT if chance.random() < 0.05 else Result(int(chance.random() > health))
                pause = 3 * SECOND if chance.random() < 0.03 else 0
                expected_change = rules.finish("k", name, result, limits, pause=pause)
                change = run_script(
                    redis, scripts[1], keys, (name, int(result), pause, limits.allowance, FAILURES, _OPEN, clock.now)
                )
                assert Transition(change) is expected_change, f"step {step}"
                seen[expected_change.name] += 1
    finally:
        redis.delete(*keys)
    return seen


def test_the_scripts_decide_like_the_rules() -> None:
    seen: Counter[str] = Counter()
    for seed in range(amount(8, full=20)):
        seen += random_steps(seed, take=with_test_time(TAKE.text), finish=with_test_time(FINISH.text))

    assert all(seen[verdict.name] > 10 for verdict in Verdict)
    assert seen[Transition.OPENED.name] > 10 and seen[Transition.CLOSED.name] > 10


@pytest.mark.parametrize(
    ("part", "sabotage"),
    [
        ("tonumber(gone[place + 1]) >= state.succeeded_at", "true"),
        ("state.open_until == 0 and undecided >= failures", "state.open_until == 0 and undecided > failures"),
        ("elseif state.probe ~= '' then", "elseif false then"),
        ("if state.open_until > 0 then state.probe = ARGV[1] end", ""),
    ],
)
def test_the_comparison_detects_changed_scripts(part: str, sabotage: str) -> None:
    assert part in TAKE.text
    with pytest.raises(AssertionError):
        for seed in range(40):
            random_steps(
                seed, take=with_test_time(TAKE.text.replace(part, sabotage)), finish=with_test_time(FINISH.text)
            )
