"""The asynchronous Redis client of the background loop, and the names of its keys."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

from django.conf import settings
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError

from redis_locks.lua_scripts import Argument, LockScript

#: Seconds to connect to Redis, to wait for it, and to wait for a free connection.
CONNECT_SECONDS: Final = 2.0
RESPONSE_SECONDS: Final = 2.0
#: Connections of one loop. Its tasks take turns: each needs one for a fraction of a millisecond, and a burst of calls
#: that all connect at once would look like an outage.
MOST_CONNECTIONS: Final = 16
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Redis] = WeakKeyDictionary()


def redis_client() -> Redis:
    """Return the client of the running loop."""
    loop = asyncio.get_running_loop()
    client = _clients.get(loop)
    if client is None:
        pool = BlockingConnectionPool.from_url(
            settings.REDIS_URL,
            max_connections=MOST_CONNECTIONS,
            timeout=RESPONSE_SECONDS,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=RESPONSE_SECONDS,
            # The pool does not see that Redis closed an idle connection; the first command finds out.
            retry=Retry(NoBackoff(), 1),
        )
        client = _clients[loop] = Redis(connection_pool=pool)
    return client


def key_of(*parts: object) -> str:
    """Return the key of a carrier's data, such as ``key_of("token", link_id)``."""
    return f"{settings.LOCK_PREFIX}:{{carrier:{parts[0]}}}:{':'.join(map(str, parts[1:]))}"


async def run_script(script: LockScript, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
    """Run ``script`` once; a second round trip only if the server does not have it. Raises ``RedisError``."""
    client = redis_client()
    try:
        return await client.evalsha(script.digest, len(keys), *keys, *arguments)
    except NoScriptError:
        await client.script_load(script.text)
        return await client.evalsha(script.digest, len(keys), *keys, *arguments)
