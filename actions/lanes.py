"""Wakes the workers of a lane after a commit that stored actions of it: a token in a Redis list, one at most.

A worker without work waits for the token. A lost token costs nothing but time: workers look for due rows every second.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial
from typing import Final

import structlog
from django.conf import settings
from django_redis import get_redis_connection
from redis import Redis
from redis.exceptions import RedisError

from actions.registry import REGISTRY
from redis_locks.outage import outage
from redis_locks.shared_trip import Command, Errand, send

#: Seconds for which a token is stored that no worker takes.
_TOKEN_RETENTION: Final = 10
#: The longest wait in one call of Redis, in seconds: shorter than the timeout of its connection.
_WAIT: Final = 1.0

log = structlog.get_logger(__name__)


def wake_lanes(kinds: Iterable[str], *, alias: str) -> None:
    """Wake a worker of each lane that runs one of ``kinds`` in the database ``alias``.

    Never raises while Redis is away.
    """
    for lane in REGISTRY.lanes_of(kinds):
        key = _key(lane, alias)
        commands: list[Command] = [("LPUSH", key, b"1"), ("LTRIM", key, 0, 0), ("EXPIRE", key, _TOKEN_RETENTION)]
        send(_client, Errand(commands, failed=partial(_note_failure, lane)))


def wait_for_work(lane: str, *, alias: str) -> None:
    """Wait until the lane is woken, for a second at most."""
    began = time.monotonic()
    try:
        outage.client_or_raise(get_redis_connection("default")).blpop([_key(lane, alias)], timeout=_WAIT)
    except RedisError as error:
        outage.failed_with(error)
        time.sleep(max(0.0, _WAIT - (time.monotonic() - began)))


def _client() -> Redis:
    return outage.client_or_raise(get_redis_connection("default"))


def _note_failure(lane: str, error: RedisError) -> None:
    outage.failed_with(error)
    log.warning("lane_not_woken", lane=lane, reason=type(error).__name__)


def _key(lane: str, alias: str) -> str:
    return f"{settings.LOCK_PREFIX}:lane:{lane}:{alias}"
