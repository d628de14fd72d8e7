"""Feature flags that a separate server process sees too."""

from __future__ import annotations

import time

from django_redis import get_redis_connection

from tenants.flag_memory import FRESH_SECONDS, TOKEN_KEY
from tenants.models import Flag


def switch_on(name: str) -> None:
    """Turn the flag on for everyone, and wait until every process sees it."""
    Flag.objects.create(name=name, everyone=True)
    # The server process has a prefix of its own in the cache, and asks again after this time.
    redis = get_redis_connection("default")
    redis.delete(*redis.scan_iter(f"*{TOKEN_KEY}"), TOKEN_KEY)
    time.sleep(FRESH_SECONDS)
