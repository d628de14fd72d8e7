"""Signs of life of background processes in Redis: when each last finished work. Losing them loses no work."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from django.conf import settings
from django_redis import get_redis_connection

#: Seconds after which an unrenewed sign is forgotten.
KEPT_SECONDS: Final = 24 * 3_600


def note_heartbeat(name: str) -> None:
    """Note that the process ``name`` is alive now. Raises ``RedisError``."""
    get_redis_connection("default").set(_key(name), f"{time.time():.0f}", ex=KEPT_SECONDS)


def last_heartbeats(names: Iterable[str]) -> dict[str, datetime | None]:
    """Return when each of ``names`` was last alive, None without a sign in the last day. Raises ``RedisError``."""
    wanted = list(names)
    found = get_redis_connection("default").mget([_key(name) for name in wanted]) if wanted else []
    return {
        name: None if seen is None else datetime.fromtimestamp(float(seen), UTC)
        for name, seen in zip(wanted, found, strict=True)
    }


def _key(name: str) -> str:
    return f"{settings.LOCK_PREFIX}:heartbeat:{name}"
