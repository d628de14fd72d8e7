"""A fair lock in Redis: waiters queue, first come, first served.

The token in the key, release and extension follow redis-py's ``Lock`` and use its scripts; a script of our own takes
the lock in turn. A lock can expire while it is held: whatever must be safe needs a fence of its own.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Sequence
from typing import Any, Final

from django.conf import settings
from redis import Redis
from redis.exceptions import LockNotOwnedError, RedisError

from redis_locks.lock_holder import IDENTITY_LENGTH, Holder, holder_in, token_content
from redis_locks.lua_scripts import EXTEND, RELEASE, TAKE, LockScript, run_script, run_script_with
from redis_locks.shared_trip import Command, Errand, conclude_errands, fail_errands

#: Seconds that a lock lives unless it is extended.
TTL_SECONDS: Final = 10.0
#: A younger lock needs no extension: it outlives any statement (partner_engine.E010).
FRESH_SECONDS: Final = 1.0
#: Milliseconds after which a waiter that stopped polling leaves the queue.
PATIENCE_MS: Final = 1_000
#: The longest sleep of waiters: 10 ms for the first in the queue, 5 ms more for each one behind, up to 100 ms; at least
#: half of that.
FIRST_SECONDS: Final = 0.01
STEP_SECONDS: Final = 0.005
LONGEST_SECONDS: Final = 0.1


def lock_name(kind: str, *parts: object) -> str:
    """Return the key of the lock of that kind and name, such as ``lock_name("copy", tenant_id, copy_id)``.

    The part in braces is the hash tag: all keys of one lock are in one slot of a Redis Cluster.
    """
    return f"{settings.LOCK_PREFIX}:{{{':'.join(map(str, (kind, *parts)))}}}"


def parts_of_name(name: str) -> list[str]:
    """Return kind and parts of the lock with the key ``name``."""
    return name[name.rindex("{") + 1 : -1].split(":")


def keys_of(name: str) -> tuple[str, str, str]:
    """Return the keys of a lock: its own, its queue, and the last poll of each waiter."""
    return name, f"{name}:queue", f"{name}:seen"


def pause(place: int) -> float:
    """Return the seconds to sleep at ``place`` (from 1) in the queue, with jitter against polling in step."""
    span = min(FIRST_SECONDS + STEP_SECONDS * (place - 1), LONGEST_SECONDS)
    return span * (0.5 + secrets.randbelow(500) / 1_000)


class FairLock:
    """One lock, for any threads: ``take`` it, ``extend`` it while it is used, ``release`` it."""

    def __init__(self, client: Redis, name: str, *, holder: Holder, ttl: float = TTL_SECONDS) -> None:
        """Create the lock with the key ``name`` for ``holder``; it lives ``ttl`` seconds once taken. No round trip.

        ``client`` must return bytes.
        """
        self.name = name
        self._client = client
        self._identity = secrets.token_hex(IDENTITY_LENGTH // 2)
        self._opening = token_content(holder)
        self._ttl_ms = int(ttl * 1_000)
        #: Our token while we hold the lock; and the token seen at the last attempt, ours or another's.
        self._token: bytes | None = None
        self._found: bytes | None = None
        #: What ``take`` reads ahead, and the replies.
        self._ahead: Sequence[Command] = ()
        self.known: dict[Command, Any] = {}

    @property
    def holder(self) -> Holder | None:
        """Return the holder at the last attempt, ourselves or another; None when it was free."""
        return holder_in(self._found)

    def take(self, *, wait: float, ahead: Sequence[Command] = ()) -> bool:
        """Take the lock, waiting in turn up to ``wait`` seconds (0: not at all); return whether it was taken.

        One round trip when the lock is free; then ``known`` has the replies to ``ahead``, which are as old as the lock.
        After a wait nothing is known. Raises ``RedisError``.
        """
        self._ahead, self.known = ahead, {}
        try:
            taken = self._wait_in_turn(wait)
        except RedisError:
            # No further round trip: if Redis hangs, it would cost the same time again.
            raise
        except BaseException:
            self._withdraw()
            raise
        if not taken and wait > 0:
            self._withdraw()
        return taken

    def extend(self) -> None:
        """Restart the lock's time to live. Raises ``LockNotOwnedError`` if it is no longer held, ``RedisError``."""
        self._run_as_owner(EXTEND, self._ttl_ms)

    def release(self, *, errands: Sequence[Errand] = ()) -> None:
        """Free the lock, and run ``errands`` in the same round trip. Raises ``LockNotOwnedError`` if it is no longer
        held (another's stays), ``RedisError``; the errands have their replies or that error then.
        """
        if not errands:
            self._run_as_owner(RELEASE)
            self._token = None
            return
        token = self._token or b""
        commands = [command for errand in errands for command in errand.commands]
        try:
            is_ours, replies = run_script_with(self._client, RELEASE, (self.name,), (token,), before=commands)
        except RedisError as error:
            fail_errands(errands, error)
            raise
        conclude_errands(errands, replies)
        if isinstance(is_ours, RedisError):
            raise is_ours
        self._token = None
        if not is_ours:
            raise _not_owned(self.name)

    def _wait_in_turn(self, wait: float) -> bool:
        end = time.monotonic() + wait
        while (place := self._try(joins=wait > 0)) != 0:
            left = end - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(pause(place), left))
        return True

    def _try(self, *, joins: bool) -> int:
        """Try once; return 0 when taken, else the place in the queue."""
        arguments = (self._identity, self._ttl_ms, self._opening, PATIENCE_MS, int(joins))
        ahead, self._ahead = self._ahead, ()
        replies: list[Any] = []
        if ahead:
            found, replies = run_script_with(self._client, TAKE, keys_of(self.name), arguments, after=ahead)
            if isinstance(found, RedisError):
                raise found
        else:
            found = run_script(self._client, TAKE, keys_of(self.name), arguments)
        place, self._found = found
        if place == 0:
            self._token = self._found
            known = zip(ahead, replies, strict=True)
            self.known = {command: reply for command, reply in known if not isinstance(reply, RedisError)}
        return int(place)

    def _withdraw(self) -> None:
        """Leave the queue; free the lock if it was taken although the reply was lost."""
        name, queue, seen = keys_of(self.name)
        with contextlib.suppress(RedisError), self._client.pipeline(transaction=False) as pipeline:
            pipeline.zrem(queue, self._identity)
            pipeline.zrem(seen, self._identity)
            pipeline.get(name)
            token = pipeline.execute()[-1]
            if token and token.startswith(self._identity.encode()):
                self._token = token
                self.release()

    def _run_as_owner(self, script: LockScript, *arguments: int) -> None:
        is_ours = self._token is not None and run_script(self._client, script, (self.name,), (self._token, *arguments))
        if not is_ours:
            self._token = None
            raise _not_owned(self.name)


def _not_owned(name: str) -> LockNotOwnedError:
    return LockNotOwnedError("This lock is no longer held: it expired, or was released by hand.", name)
