"""Many fair locks at once: one round trip per attempt for all, one to extend all, one to free all.

Free locks are taken, the others are waited for. Two owners that wait for each other's locks do not deadlock: an owner
of a lock above its first missing one, in the order of names, returns it after a moment and continues in that order.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from redis import Redis
from redis.exceptions import RedisError

from redis_locks.fair_lock import PATIENCE_MS, TTL_SECONDS, keys_of, pause
from redis_locks.lock_holder import IDENTITY_LENGTH, Holder, holder_in, token_content
from redis_locks.lua_scripts import EXTEND, RELEASE, TAKE, Call, LockScript, run_script_for_all

#: Seconds for which locks are held while one below them is waited for.
GRACE_SECONDS: Final = 0.25


class ManyLocks:
    """The locks of many names, with one holder."""

    def __init__(self, client: Redis, names: Iterable[str], *, holder: Holder, ttl: float = TTL_SECONDS) -> None:
        """Create the locks with the keys ``names``; each lives ``ttl`` seconds once taken. ``client`` must return
        bytes.
        """
        self.names: tuple[str, ...] = tuple(sorted(set(names)))
        #: The locks that could not be taken, each with its holder at the last attempt, if known.
        self.missed: dict[str, Holder | None] = {}
        self._client = client
        self._identity = secrets.token_hex(IDENTITY_LENGTH // 2)
        self._opening = token_content(holder)
        self._ttl = ttl
        self._tokens: dict[str, bytes] = {}
        self._extended_at = 0.0

    @property
    def held(self) -> frozenset[str]:
        """Return the names of the held locks."""
        return frozenset(self._tokens)

    def take(self, *, wait: float) -> None:
        """Take the free locks, and wait in turn for the others up to ``wait`` seconds; ``missed`` contains the rest.

        Raises ``RedisError``.
        """
        end = time.monotonic() + wait
        in_order, stuck_since = False, time.monotonic()
        self._extended_at = time.monotonic()
        while missing := [name for name in self.names if name not in self._tokens]:
            asked = missing[:1] if in_order else missing
            place = self._attempt(asked, joins=wait > 0)
            now = time.monotonic()
            if missing[0] in self._tokens:
                in_order, stuck_since = False, now
                continue
            if now >= end:
                break
            if not in_order and now - stuck_since > GRACE_SECONDS:
                in_order, stuck_since = self._give_way(missing), now
            self._keep_alive(now)
            time.sleep(min(pause(place), max(end - now, 0)))
        if wait > 0:
            self._leave(self.missed)

    def extend(self) -> frozenset[str]:
        """Restart the time to live of all locks; return those no longer held. Raises ``RedisError``."""
        self._extended_at = time.monotonic()
        ttl = int(self._ttl * 1_000)
        return self._lost(EXTEND, self._tokens, ttl)

    def release(self) -> frozenset[str]:
        """Free all; return those no longer held. Raises ``RedisError``."""
        tokens, self._tokens = self._tokens, {}
        return self._lost(RELEASE, tokens)

    def withdraw(self) -> None:
        """Leave all queues and free all locks, including those taken although the reply was lost. Raises
        ``RedisError``.
        """
        self._leave(self.names)
        with self._client.pipeline(transaction=False) as pipeline:
            for name in self.names:
                pipeline.get(name)
            found = dict(zip(self.names, pipeline.execute(), strict=True))
        mine = self._identity.encode()
        self._tokens |= {name: token for name, token in found.items() if token and token.startswith(mine)}
        self.release()

    def _attempt(self, names: Sequence[str], *, joins: bool) -> int:
        """Try ``names`` once; return the best place in a queue of those not taken."""
        ttl = int(self._ttl * 1_000)
        arguments = (self._identity, ttl, self._opening, PATIENCE_MS, int(joins))
        places = [1_000]
        answers = run_script_for_all(self._client, TAKE, [(keys_of(name), ()) for name in names], shared=arguments)
        for name, (place, token) in zip(names, answers, strict=True):
            if place == 0:
                self._tokens[name] = token
                self.missed.pop(name, None)
            else:
                self.missed[name] = holder_in(token)
                places.append(int(place))
        return min(places)

    def _give_way(self, missing: Sequence[str]) -> bool:
        """Free the locks above the first of ``missing``; return whether there were any, so that from now on locks are
        taken in the order of names.
        """
        above = {name: token for name, token in self._tokens.items() if name > missing[0]}
        if not above:
            return False
        for name in above:
            del self._tokens[name]
        self._lost(RELEASE, above)
        self.missed |= dict.fromkeys(above)
        # A place in a queue without polling would delay the waiters behind it.
        self._leave(missing[1:])
        return True

    def _keep_alive(self, now: float) -> None:
        if self._tokens and now - self._extended_at > self._ttl / 3:
            self.extend()

    def _leave(self, names: Iterable[str]) -> None:
        with self._client.pipeline(transaction=False) as pipeline:
            for name in names:
                _, queue, seen = keys_of(name)
                pipeline.zrem(queue, self._identity)
                pipeline.zrem(seen, self._identity)
            pipeline.execute()

    def _lost(self, script: LockScript, tokens: dict[str, bytes], *arguments: int) -> frozenset[str]:
        """Run ``script`` on each of ``tokens``; return the names of locks that are not ours."""
        calls: list[Call] = [((name,), (token,)) for name, token in tokens.items()]
        answers = zip(list(tokens), run_script_for_all(self._client, script, calls, shared=arguments), strict=True)
        lost = frozenset(name for name, is_ours in answers if not is_ours)
        for name in lost:
            self._tokens.pop(name, None)
        return lost


@contextmanager
def lock_many(
    client: Redis, names: Iterable[str], *, holder: Holder, wait: float, ttl: float = TTL_SECONDS
) -> Iterator[ManyLocks]:
    """Take the locks with the keys ``names``, waiting up to ``wait`` seconds in all; free them on every way out.

    Read ``held`` and ``missed`` of the yielded object. Raises ``RedisError``.
    """
    locks = ManyLocks(client, names, holder=holder, ttl=ttl)
    try:
        locks.take(wait=wait)
    except RedisError:
        raise
    except BaseException:
        with contextlib.suppress(RedisError):
            locks.withdraw()
        raise
    try:
        yield locks
    finally:
        locks.release()
