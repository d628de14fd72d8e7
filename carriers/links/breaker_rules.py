"""The rules of a carrier's breaker, and the breaker of one process that applies them while Redis is away. Pure.

``breaker_script`` has the same rules for the whole fleet. A call needs a permit; a permit is refused while the circuit
is open, while the carrier has requested a pause, and where it would exceed the calls at the same time or per minute.
Every call granted since the last success may turn out to be a failure, so it counts as one until its result is known:
a carrier that stops responding gets at most ``FAILURES`` more calls, however many callers there are.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from carriers.links.link import Link

#: Failures in a row that open the circuit.
FAILURES: Final = 5
#: How long it stays open before one call is let through as a probe.
OPEN_SECONDS: Final = 30.0
#: The longest wait that a refused caller is advised, in seconds.
LONGEST_ADVICE: Final = 300.0
#: The first wait of a caller that is refused until a call in flight ends, in seconds.
SHORT_WAIT: Final = 0.25
#: The first wait of a caller that is refused while a probe is in flight, in seconds.
PROBE_WAIT: Final = 5.0
#: Seconds for which a permit outlives the time limit of its call.
_GRACE: Final = 5.0
_MICRO: Final = 1_000_000


class Verdict(IntEnum):
    """The decision on a permit."""

    GRANTED = 0
    OPEN = 1
    PAUSED = 2
    FULL = 3
    UNDECIDED = 4
    PACED = 5


class Result(IntEnum):
    """The result of a call. ``UNSENT`` is a call that did not reach the network and says nothing about the carrier."""

    SUCCESS = 0
    FAILURE = 1
    UNSENT = 2


class Transition(IntEnum):
    """What a result changed."""

    NONE = 0
    OPENED = 1
    CLOSED = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """The limits of one link, times in microseconds. ``burst`` calls may follow each other without a pause."""

    interval: int
    burst: int
    most_in_flight: int
    lease: int

    @property
    def allowance(self) -> int:
        """Return how far ahead of an even pace the calls may be."""
        return (self.burst - 1) * self.interval


def limits_of(link: Link) -> Limits:
    """Return the limits of the link, so that no minute has more than ``link.per_minute`` calls."""
    burst = max(1, link.per_minute // 6)
    return Limits(
        interval=60 * _MICRO // (link.per_minute - burst + 1),
        burst=burst,
        most_in_flight=link.most_in_flight,
        lease=round(max(link.timeout_seconds + _GRACE, OPEN_SECONDS) * _MICRO),
    )


@dataclass(kw_only=True, slots=True)
class BreakerState:
    """The state of one breaker, times in microseconds, 0 for never."""

    failures: int = 0
    succeeded_at: int = 0
    open_until: int = 0
    probe: str = ""
    #: When the allowance of the pace is full again (the theoretical arrival time of GCRA).
    full_at: int = 0
    paused_until: int = 0
    #: The last advice to a refused caller: each is advised to come one interval after the one before.
    advised: int = 0
    #: Permits of calls in flight with the times of their start.
    calls: dict[str, int] = field(default_factory=dict)


class ProcessBreaker:
    """The breakers of one process."""

    def __init__(self, *, clock: Callable[[], int]) -> None:
        """Begin with closed circuits; ``clock`` returns microseconds."""
        self._clock = clock
        self._guard = threading.Lock()
        self._states: dict[str, BreakerState] = {}

    def take(self, key: str, permit: str, limits: Limits) -> tuple[Verdict, int]:
        """Return the decision on ``permit``, and the wait in microseconds that a refused caller is advised."""
        with self._guard:
            now, state = self._clock(), self._states.setdefault(key, BreakerState())
            _expire(state, now, limits)
            verdict, earliest = _decide(state, now, limits)
            if verdict is not Verdict.GRANTED:
                state.advised = max(
                    earliest, min(state.advised + limits.interval, now + round(LONGEST_ADVICE * _MICRO))
                )
                return verdict, state.advised - now
            state.full_at = max(state.full_at, now) + limits.interval
            state.calls[permit] = now
            if state.open_until:
                state.probe = permit
            return verdict, 0

    def learn_open(self, key: str, wait: int) -> None:
        """Note that the circuit is open in the fleet for ``wait`` microseconds, in case Redis goes away meanwhile."""
        with self._guard:
            state = self._states.setdefault(key, BreakerState())
            state.open_until = max(state.open_until, self._clock() + wait)

    def finish(self, key: str, permit: str, result: Result, limits: Limits, *, pause: int = 0) -> Transition:
        """Return the permit with the result of its call; ``pause`` is the wait that the carrier requested."""
        with self._guard:
            now, state = self._clock(), self._states.setdefault(key, BreakerState())
            is_ours = state.calls.pop(permit, None) is not None
            if pause:
                state.paused_until = max(state.paused_until, now + pause)
            is_probe = bool(permit) and state.probe == permit
            if is_probe:
                state.probe = ""
            change = _conclude(state, now, result, is_ours=is_ours, is_probe=is_probe)
            if change is Transition.CLOSED:
                # What has waited drains at an even pace, without the burst of a rested carrier.
                state.full_at = max(state.full_at, now + limits.allowance)
            return change


def _expire(state: BreakerState, now: int, limits: Limits) -> None:
    """Drop permits whose process died. A call without a known result, and no success since, counts as a failure."""
    for permit, started in list(state.calls.items()):
        if started <= now - limits.lease:
            del state.calls[permit]
            state.failures += started >= state.succeeded_at
            if state.probe == permit:
                state.probe = ""
    if not state.open_until and state.failures >= FAILURES:
        state.open_until = now + round(OPEN_SECONDS * _MICRO)


def _decide(state: BreakerState, now: int, limits: Limits) -> tuple[Verdict, int]:
    """Return the verdict and the earliest time at which another one is possible."""
    undecided = state.failures + sum(started >= state.succeeded_at for started in state.calls.values())
    if now < state.open_until:
        return Verdict.OPEN, state.open_until
    if state.probe:
        return Verdict.OPEN, now + round(PROBE_WAIT * _MICRO)
    if now < state.paused_until:
        return Verdict.PAUSED, state.paused_until
    if len(state.calls) >= limits.most_in_flight:
        return Verdict.FULL, now + round(SHORT_WAIT * _MICRO)
    if not state.open_until and undecided >= FAILURES:
        return Verdict.UNDECIDED, now + round(SHORT_WAIT * _MICRO)
    if state.full_at - now > limits.allowance:
        return Verdict.PACED, state.full_at - limits.allowance
    return Verdict.GRANTED, 0


def _conclude(state: BreakerState, now: int, result: Result, *, is_ours: bool, is_probe: bool) -> Transition:
    if state.open_until and not is_probe:
        return Transition.NONE  # While the circuit is open only its probe decides.
    if result is Result.SUCCESS:
        was_open, state.open_until, state.failures, state.succeeded_at = bool(state.open_until), 0, 0, now
        return Transition.CLOSED if was_open else Transition.NONE
    if result is Result.FAILURE and is_ours:
        was_open = bool(state.open_until)
        state.failures += not was_open
        if was_open or state.failures >= FAILURES:
            state.open_until = now + round(OPEN_SECONDS * _MICRO)
            return Transition.NONE if was_open else Transition.OPENED
    return Transition.NONE
