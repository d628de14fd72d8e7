"""How locks stand: who holds which, who waits, how long they last; and how a stuck one is freed by hand.

For people who look after the product; the work itself needs none of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from redis import Redis

from redis_locks.fair_lock import keys_of
from redis_locks.lock_holder import IDENTITY_LENGTH, Holder, holder_in
from redis_locks.lua_scripts import RELEASE, run_script

#: How many keys one step of a search through Redis looks at, and how many locks are read at once.
_STEP: Final = 1_000


@dataclass(frozen=True, slots=True)
class LockInfo:
    """One lock that is held: its key ``name``, its holder (None for a token of another making), how many wait for it,
    and in how many seconds it runs out unless it is extended.
    """

    name: str
    holder: Holder | None
    waiting: int
    expires_in: float
    token: bytes

    @property
    def identity(self) -> str:
        """Return what tells this holding of the lock from any other."""
        return self.token[:IDENTITY_LENGTH].decode("ascii", "replace")


def lock_info(client: Redis, name: str) -> LockInfo | None:
    """Return how the lock with the key ``name`` stands, None while nobody holds it. Raises ``RedisError``."""
    return next(_read(client, [name]), None)


def list_locks(client: Redis, pattern: str) -> list[LockInfo]:
    """Return all held locks whose key is like ``pattern`` (as Redis' SCAN has it), in the order of their names.

    Goes through all keys of Redis, without holding it up. Raises ``RedisError``.
    """
    # A key can come twice; the queue's and other keys of a lock do not end with its hash tag.
    names = sorted({key.decode() for key in client.scan_iter(pattern, count=_STEP) if key.endswith(b"}")})
    return [found for at in range(0, len(names), _STEP) for found in _read(client, names[at : at + _STEP])]


def release_by_force(client: Redis, standing: LockInfo) -> bool:
    """Free the lock if it is still held as ``standing`` tells; tell whether it was. Raises ``RedisError``.

    Whoever held it goes on without knowing: only the fence behind the lock keeps their work and the next one's apart.
    """
    return bool(run_script(client, RELEASE, (standing.name,), (standing.token,)))


def _read(client: Redis, names: list[str]) -> Iterator[LockInfo]:
    with client.pipeline(transaction=False) as pipeline:
        for name in names:
            pipeline.get(name)
            pipeline.pttl(name)
            pipeline.zcard(keys_of(name)[1])
        answers = iter(pipeline.execute())
    for name, token, left, waiting in zip(names, answers, answers, answers, strict=True):
        if token is not None:
            yield LockInfo(name, holder_in(token), int(waiting), max(left, 0) / 1_000, token)
