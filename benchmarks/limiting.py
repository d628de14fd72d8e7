"""Measures the check of rate limits against a bare PING, over redis-py's client and over a bare connection.

A check decodes and counts nothing but what a request needs: the caller alone, or the caller and the address.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from typing import Any, Final
from uuid import uuid4

from django.conf import settings
from django.test import override_settings
from django_redis import get_redis_connection
from limits import RateLimitItemPerSecond
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis import Redis

from benchmarks.figures import Figure, figure
from benchmarks.rounds import ratios
from tenants.limit_models import RateLimit
from tenants.limits import check
from tenants.limits.memory import LimitMemory, StoredLimits
from tenants.limits.scopes import Limit

#: How many times a round repeats each call.
CALLS: Final = 500
QUICK: Final = {"calls": 20}
MOST: Final = "<= 1.5"
#: So high that no call is refused; the log of a caller is as long as it gets.
_NO_END: Final = 1_000_000_000

_ONE: Final = "check of one count"
_TWO: Final = "check of two counts (caller and address)"
_PING: Final = "PING by redis-py"
_BARE: Final = "PING on a bare connection"
_LIBRARY: Final = "two counts by the library limits (moving window)"


def measure(rounds: int, *, calls: int = CALLS) -> list[Figure]:
    """Return the figures of ``rounds`` rounds; each round is the median of its calls, in microseconds.

    The calls take turns one by one: a round trip costs several times as much on a processor that just woke up.
    """
    contenders = _contenders()
    times: dict[str, list[float]] = {name: [] for name in contenders}
    stored = StoredLimits(scopes={"general": Limit(amount=_NO_END, window=60, per_address=_NO_END)})
    usual, RateLimit.memory = RateLimit.memory, LimitMemory(lambda: stored)
    with override_settings(RATE_LIMIT_FACTOR=1):
        _round(contenders, calls)
        for _ in range(rounds):
            for name, value in _round(contenders, calls).items():
                times[name].append(value)
    RateLimit.memory = usual
    return [
        *(figure(f"rate limit: {name}", "us", values) for name, values in times.items()),
        figure("rate limit: one count / PING by redis-py", "x", ratios(times[_ONE], times[_PING]), goal=MOST),
        figure("rate limit: two counts / PING by redis-py", "x", ratios(times[_TWO], times[_PING]), goal=MOST),
        figure("rate limit: two counts / PING on a bare connection", "x", ratios(times[_TWO], times[_BARE])),
        figure("rate limit: the library limits / two counts", "x", ratios(times[_LIBRARY], times[_TWO])),
    ]


def _contenders() -> dict[str, Callable[[], Any]]:
    client: Redis = get_redis_connection("default")
    bare: Any = client.connection_pool.make_connection()
    bare.connect()
    ping = [b"*1\r\n$4\r\nPING\r\n"]
    run = uuid4().hex
    caller, address = check.Subject(f"caller:{run}"), check.Subject(f"address:{run}", is_shared=True)
    library = MovingWindowRateLimiter(RedisStorage(settings.REDIS_URL, key_prefix=f"benchmark.{run}"))
    item = RateLimitItemPerSecond(100_000)

    def bare_ping() -> None:
        bare.send_packed_command(ping, check_health=False)
        bare.read_response()

    def by_library() -> None:
        library.hit(item, f"caller:{run}")
        library.hit(item, f"address:{run}")

    return {
        _ONE: lambda: check.take("general", caller),
        _TWO: lambda: check.take("general", caller, address),
        _PING: client.ping,
        _BARE: bare_ping,
        _LIBRARY: by_library,
    }


def _round(contenders: dict[str, Callable[[], Any]], calls: int) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in contenders}
    order, shuffle = list(contenders.items()), random.Random(calls)  # noqa: S311 - only an order
    for _ in range(calls):
        # In any order: a call is slower after one that took long.
        shuffle.shuffle(order)
        for name, call in order:
            began = time.perf_counter()
            call()
            times[name].append((time.perf_counter() - began) * 1_000_000)
    return {name: statistics.median(values) for name, values in times.items()}
