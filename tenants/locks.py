"""A fair lock in Redis: those who wait stand in a queue, first come, first served.

Token, release and extension are those of redis-py's ``Lock``; what is added is one script that takes the lock in turn.
A lock is for waiting in turn: it can run out under its holder, so what must be safe needs a fence of its own.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from typing import ClassVar, Final

from django.conf import settings
from redis import Redis
from redis.commands.core import Script
from redis.exceptions import RedisError
from redis.lock import Lock

from tenants.holders import Holder, holder_in, opening_of

#: How long a lock lives unless it is extended, in seconds.
TTL_SECONDS: Final = 10.0
#: A waiter that has not asked for so long is dropped from the queue, in milliseconds.
PATIENCE_MS: Final = 1_000
#: How long waiters sleep: the first in the queue 5 to 10 ms, those behind longer the further back, up to 100 ms.
STEP_SECONDS: Final = 0.01
MAX_PLACE_THAT_COUNTS: Final = 10

# KEYS: lock, queue (waiter -> its number), seen (waiter -> when it asked last)
# ARGV: the waiter, ttl in ms, the holder's opening, patience in ms, "1" to stand in the queue
# Returns {0, own token} when taken, else {place in the queue from 1, the present holder's token or ''}.
TAKE: Final = """
local current = redis.call('get', KEYS[1])
-- An earlier attempt took it, and its answer was lost on the way.
if current and string.sub(current, 1, #ARGV[1]) == ARGV[1] then
    return {0, current}
end
local time = redis.call('time')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local first = redis.call('zrange', KEYS[2], 0, 0)[1]
if first then
    redis.call('zadd', KEYS[3], 'xx', now, ARGV[1])
    local gone = redis.call('zrangebyscore', KEYS[3], '-inf', now - ARGV[4])
    for _, waiter in ipairs(gone) do
        redis.call('zrem', KEYS[2], waiter)
        redis.call('zrem', KEYS[3], waiter)
    end
    first = redis.call('zrange', KEYS[2], 0, 0)[1]
end
if not current and (not first or first == ARGV[1]) then
    local token = ARGV[1] .. ARGV[3] .. string.format('%.0f', now) .. '}'
    redis.call('set', KEYS[1], token, 'px', ARGV[2])
    if first then
        redis.call('zrem', KEYS[2], ARGV[1])
        redis.call('zrem', KEYS[3], ARGV[1])
    end
    return {0, token}
end
if ARGV[5] ~= '1' then
    return {redis.call('zcard', KEYS[2]) + 1, current or ''}
end
local place = redis.call('zrank', KEYS[2], ARGV[1])
if not place then
    local last = redis.call('zrange', KEYS[2], -1, -1, 'withscores')
    redis.call('zadd', KEYS[2], (last[2] or 0) + 1, ARGV[1])
    redis.call('zadd', KEYS[3], now, ARGV[1])
    place = redis.call('zcard', KEYS[2]) - 1
end
redis.call('pexpire', KEYS[2], 2 * ARGV[4])
redis.call('pexpire', KEYS[3], 2 * ARGV[4])
return {place + 1, current or ''}
"""


def lock_name(kind: str, *parts: object) -> str:
    """Return the key of the lock of that kind and name, such as ``lock_name("copy", tenant_id, copy_id)``.

    What stands in braces is the hash tag: all keys of one lock are in one slot of a Redis Cluster.
    """
    return f"{settings.LOCK_PREFIX}:{{{':'.join(map(str, (kind, *parts)))}}}"


def parts_of_name(name: str) -> list[str]:
    """Return kind and parts of the lock with the key ``name``."""
    return name[name.rindex("{") + 1 : -1].split(":")


def keys_of(name: str) -> tuple[str, str, str]:
    """Return the keys of a lock: its own, the queue of those who wait, and when each of them asked last."""
    return name, f"{name}:queue", f"{name}:seen"


def pause(place: int) -> float:
    """Return how many seconds to sleep at ``place`` (from 1) in the queue, with jitter so that none polls in step."""
    span = STEP_SECONDS * min(place, MAX_PLACE_THAT_COUNTS)
    return span * (0.5 + secrets.randbelow(500) / 1_000)


class FairLock:
    """One lock, by any threads: ``take`` it, ``extend`` it while it is used, ``release`` it."""

    _take: ClassVar[Script | None] = None

    def __init__(self, client: Redis, name: str, *, holder: Holder, ttl: float = TTL_SECONDS) -> None:
        """Make the lock with the key ``name`` for ``holder``; it lives ``ttl`` seconds once taken. Asks Redis nothing.

        ``client`` answers bytes.
        """
        self.name = name
        #: Who holds it: this one when taken, else who was in the way at the last attempt, if anybody.
        self.holder: Holder | None = None
        self._client = client
        self._identity = secrets.token_hex(16)
        self._opening = opening_of(holder)
        self._lock = Lock(client, name, timeout=ttl, thread_local=False)
        self._ttl_ms = int(ttl * 1_000)
        if FairLock._take is None:
            FairLock._take = client.register_script(TAKE)

    def take(self, *, wait: float) -> bool:
        """Take the lock, waiting in turn up to ``wait`` seconds (0: not at all); tell whether it was taken.

        One round trip when nobody is in the way. Raises ``RedisError``.
        """
        try:
            taken = self._wait_in_turn(wait)
        except RedisError:
            # Nothing more is asked of it: where it hangs, that would cost as long again.
            raise
        except BaseException:
            self._withdraw()
            raise
        if not taken and wait > 0:
            self._withdraw()
        return taken

    def extend(self) -> None:
        """Give the lock its whole time again. Raises ``LockError`` when it is held no more, ``RedisError``."""
        self._lock.reacquire()

    def release(self) -> None:
        """Free the lock. Raises ``LockError`` when it is held no more (another's is left alone), ``RedisError``."""
        self._lock.release()

    def _wait_in_turn(self, wait: float) -> bool:
        end = time.monotonic() + wait
        while (place := self._try(joins=wait > 0)) != 0:
            left = end - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(pause(place), left))
        return True

    def _try(self, *, joins: bool) -> int:
        """Ask once; return 0 when taken, else the place in the queue."""
        assert FairLock._take is not None  # noqa: S101 - set when the first lock was made
        arguments: list[str | int] = [self._identity, self._ttl_ms, self._opening, PATIENCE_MS, int(joins)]
        place, token = FairLock._take(keys=keys_of(self.name), args=arguments, client=self._client)
        self.holder = holder_in(token)
        if place == 0:
            self._lock.local.token = token
        return int(place)

    def _withdraw(self) -> None:
        """Leave the queue; free the lock if it was taken without our hearing of it."""
        name, queue, seen = keys_of(self.name)
        with contextlib.suppress(RedisError), self._client.pipeline(transaction=False) as pipeline:
            pipeline.zrem(queue, self._identity)
            pipeline.zrem(seen, self._identity)
            pipeline.get(name)
            token = pipeline.execute()[-1]
            if token and token.startswith(self._identity.encode()):
                self._lock.local.token = token
                self._lock.release()
