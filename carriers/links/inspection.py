"""Inspection of breakers for operators: their state in Redis, a reset by force, and the metric of open circuits."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import structlog
from django.db import DatabaseError
from django_redis import get_redis_connection
from redis import Redis
from redis.exceptions import RedisError

from carriers.link_models import CarrierLink
from carriers.links.breaker import breaker_keys
from carriers.links.link import breaker_key_of
from carriers.links.metrics import circuit_open

_MICRO: Final = 1_000_000
_FIELDS: Final = ("failures", "open_until", "probe", "paused_until", "succeeded_at")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class BreakerView:
    """The state of one breaker. Times are seconds from now; 0 where they have passed."""

    failures: int = 0
    in_flight: int = 0
    is_open: bool = False
    is_probing: bool = False
    opens_probe_in: float = 0.0
    paused_for: float = 0.0
    #: Seconds since the last success, None without one in the last day.
    since_success: float | None = None

    @property
    def state(self) -> str:
        """Return the state in one word: closed, open, probing or paused."""
        if self.is_open:
            return "probing" if self.is_probing or not self.opens_probe_in else "open"
        return "paused" if self.paused_for else "closed"


def breaker_views(addresses: Iterable[str]) -> dict[str, BreakerView]:
    """Return the breakers of links to these addresses. Raises ``RedisError``."""
    wanted = sorted(set(addresses))
    if not wanted:
        return {}
    redis: Redis = get_redis_connection("default")
    with redis.pipeline(transaction=False) as pipeline:
        pipeline.time()
        for address in wanted:
            state, calls = breaker_keys(breaker_key_of(address))
            pipeline.hmget(state, _FIELDS)
            pipeline.zcard(calls)
        (seconds, micro), *found = pipeline.execute()
    now = seconds * _MICRO + micro
    return {address: _view(found[2 * place], found[2 * place + 1], now=now) for place, address in enumerate(wanted)}


def reset_breaker(address: str) -> None:
    """Close the circuit of links to this address and forget its failures; calls in flight end as they are.

    Raises ``RedisError``.
    """
    state, _ = breaker_keys(breaker_key_of(address))
    get_redis_connection("default").delete(state)


def note_open_circuits() -> None:
    """Update the gauge of open circuits; without Redis it shows NaN."""
    try:
        rows = list(CarrierLink.objects.values_list("catalogue", "carrier", "base_url"))
    except DatabaseError as error:
        log.warning("carrier_links_unknown", reason=type(error).__name__)
        return
    try:
        views = breaker_views(address for _, _, address in rows)
    except RedisError as error:
        log.warning("carrier_breakers_unknown", reason=type(error).__name__)
        views = {}
    for catalogue, carrier, address in rows:
        view = views.get(address)
        circuit_open.labels(catalogue, carrier).set(math.nan if view is None else float(view.is_open))


def _view(stored: list[Any], in_flight: int, *, now: int) -> BreakerView:
    failures, open_until, probe, paused_until, succeeded_at = stored
    left = {name: max(0, int(until or 0) - now) / _MICRO for name, until in (("o", open_until), ("p", paused_until))}
    return BreakerView(
        failures=int(failures or 0),
        in_flight=in_flight,
        is_open=bool(int(open_until or 0)),
        is_probing=bool(probe),
        opens_probe_in=left["o"],
        paused_for=left["p"],
        since_success=(now - int(succeeded_at)) / _MICRO if int(succeeded_at or 0) else None,
    )
