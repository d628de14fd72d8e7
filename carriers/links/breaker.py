"""Permits for calls of carriers: from the breaker of the fleet in Redis, or from that of this process while Redis is
away.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

import structlog
from redis.exceptions import RedisError

from carriers.links.breaker_rules import (
    FAILURES,
    LONGEST_ADVICE,
    OPEN_SECONDS,
    PROBE_WAIT,
    SHORT_WAIT,
    ProcessBreaker,
    Result,
    Transition,
    Verdict,
    limits_of,
)
from carriers.links.breaker_script import FINISH, TAKE
from carriers.links.errors import CarrierBusy, CircuitOpen
from carriers.links.link import Link
from carriers.links.metrics import fallbacks
from carriers.links.redis_client import key_of, run_script
from redis_locks.outage import outage

_MICRO: Final = 1_000_000
_OPEN: Final = round(OPEN_SECONDS * _MICRO)
_TAKE_ARGUMENTS: Final = (
    FAILURES,
    _OPEN,
    round(LONGEST_ADVICE * _MICRO),
    round(SHORT_WAIT * _MICRO),
    round(PROBE_WAIT * _MICRO),
)

log = structlog.get_logger(__name__)
_process: Final = ProcessBreaker(clock=lambda: time.monotonic_ns() // 1_000)


@dataclass(frozen=True, slots=True)
class Permit:
    """The right to make one call. ``is_shared`` states whether the fleet knows it."""

    id: str
    link: Link
    is_shared: bool


async def take_permit(link: Link) -> Permit:
    """Return a permit for one call of the carrier. Raises ``CircuitOpen`` or ``CarrierBusy`` with the wait advised."""
    limits, identity = limits_of(link), uuid4().hex
    is_shared = outage.may_ask()
    if is_shared:
        arguments = (identity, limits.interval, limits.burst, limits.most_in_flight, limits.lease, *_TAKE_ARGUMENTS)
        try:
            verdict, wait, opened = await run_script(TAKE, breaker_keys(link.breaker_key), arguments)
            outage.answered()
            if verdict == Verdict.OPEN:
                _process.learn_open(link.breaker_key, wait)
            if opened:
                _note(link, Transition.OPENED)
        except RedisError as error:
            outage.failed_with(error)
            log.warning("carrier_breaker_without_redis", carrier=link.carrier, reason=type(error).__name__)
            is_shared = False
    if not is_shared:
        fallbacks.labels(link.carrier).inc()
        verdict, wait = _process.take(link.breaker_key, identity, limits)
    if verdict == Verdict.GRANTED:
        return Permit(identity, link, is_shared)
    seconds = max(wait, 1_000) / _MICRO
    raise CircuitOpen(seconds) if verdict == Verdict.OPEN else CarrierBusy(seconds)


async def return_permit(permit: Permit, result: Result, *, pause: float = 0.0) -> None:
    """Return the permit with the result of its call; ``pause`` are the seconds that the carrier requested.

    While Redis is away the permit expires by itself, and counts as a failure unless another call succeeds.
    """
    link, micro, limits = permit.link, round(pause * _MICRO), limits_of(permit.link)
    if not permit.is_shared:
        _note(link, _process.finish(link.breaker_key, permit.id, result, limits, pause=micro))
        return
    try:
        arguments = (permit.id, int(result), micro, limits.allowance, FAILURES, _OPEN)
        change = await run_script(FINISH, breaker_keys(link.breaker_key), arguments)
        _note(link, Transition(change))
    except RedisError as error:
        outage.failed_with(error)
        log.warning("carrier_permit_not_returned", carrier=link.carrier, reason=type(error).__name__)


def breaker_keys(breaker_key: str) -> tuple[str, str]:
    """Return the keys of the state and of the calls in flight."""
    return key_of(breaker_key, "breaker"), key_of(breaker_key, "calls")


def _note(link: Link, transition: Transition) -> None:
    if transition is Transition.OPENED:
        log.warning("carrier_circuit_opened", carrier=link.carrier, catalogue=link.catalogue, seconds=OPEN_SECONDS)
    elif transition is Transition.CLOSED:
        log.info("carrier_circuit_closed", carrier=link.carrier, catalogue=link.catalogue)
