"""The rule of limits, against a list of all uses: never more than the limit in a window, and no needless wait."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenants.limits.sliding_log import SLOTS, Count, SlidingLog, take_all

WINDOW = 64_000
SLOT = WINDOW // SLOTS
STEPS = st.lists(st.tuples(st.integers(0, WINDOW // 2), st.integers(1, 4)), max_size=60)


@dataclass
class Uses:
    """Every counted use of a key, without any merging."""

    times: list[int] = field(default_factory=list)

    def within(self, now: int, window: int = WINDOW) -> int:
        return sum(now - window < at <= now for at in self.times)


def take(log: SlidingLog, now: int, amount: int = 1, limit: int = 5) -> int:
    return take_all([log], [Count("", amount, limit, WINDOW)], now)[0]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(STEPS)
def test_no_window_ever_holds_more_than_the_limit(steps: list[tuple[int, int]]) -> None:
    log, uses, now = SlidingLog(), Uses(), 0
    for pause, amount in steps:
        now += pause
        if take(log, now, amount) >= 0:
            uses.times += [now] * amount

    assert all(uses.within(at + WINDOW - 1) <= 5 for at in uses.times)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(STEPS)
def test_a_use_is_refused_only_if_it_would_exceed_a_window_that_is_a_slot_longer(steps: list[tuple[int, int]]) -> None:
    log, uses, now = SlidingLog(), Uses(), 0
    for pause, amount in steps:
        now += pause
        if take(log, now, amount) >= 0:
            uses.times += [now] * amount
        else:
            assert uses.within(now, WINDOW + SLOT) + amount > 5


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(STEPS)
def test_after_the_stated_wait_the_same_use_fits_and_not_before(steps: list[tuple[int, int]]) -> None:
    log, now = SlidingLog(), 0
    for pause, amount in steps:
        now += pause
        result = take(log, now, amount)
        if result < 0:
            assert take(log, now - result - 1, amount) < 0
            now -= result
            assert take(log, now, amount) >= 0


def test_a_single_use_expires_exactly_at_the_end_of_its_window() -> None:
    log = SlidingLog()
    take(log, 1_234, limit=1)

    assert take(log, 1_234 + WINDOW - 1, limit=1) == -1
    assert take(log, 1_234 + WINDOW, limit=1) == 0


def test_refused_uses_do_not_extend_the_wait() -> None:
    log = SlidingLog()
    take(log, 0, limit=1)

    waits = [take(log, now, limit=1) for now in range(1_000, WINDOW, 1_000)]

    assert waits == [now - WINDOW for now in range(1_000, WINDOW, 1_000)]


def test_a_log_stays_small() -> None:
    log = SlidingLog()
    for now in range(0, 2 * WINDOW, 10):
        take(log, now, limit=10**9)

    assert len(log.entries) <= SLOTS + 1
    assert log.total == sum(number for _, number in log.entries)


def test_all_logs_are_taken_or_none() -> None:
    mine, address = SlidingLog(), SlidingLog()
    counts = [Count("", 1, 2, WINDOW), Count("", 1, 1, WINDOW)]
    take_all([mine, address], counts, 0)

    assert take_all([mine, address], counts, 1_000) == [0, 1_000 - WINDOW]
    assert mine.total == 1


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.integers(1, 4), max_size=8), st.integers(0, 40))
def test_what_is_given_back_fits_again(amounts: list[int], back: int) -> None:
    log = SlidingLog()
    for number, amount in enumerate(amounts):
        take(log, number * 2_000, amount, limit=100)

    log.remove(back)

    assert log.total == max(sum(amounts) - back, 0) == sum(number for _, number in log.entries)
