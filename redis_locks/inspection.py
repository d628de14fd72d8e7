"""Inspection of locks for operators: holders, waiters, time to live; and release by force."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from redis import Redis

from redis_locks.fair_lock import keys_of
from redis_locks.lock_holder import IDENTITY_LENGTH, Holder, holder_in
from redis_locks.lua_scripts import RELEASE, run_script

#: Keys that one SCAN step reads, and locks that are read at once.
_STEP: Final = 1_000


@dataclass(frozen=True, slots=True)
class LockInfo:
    """One held lock: its key ``name``, its holder (None for a token without one), the number of waiters, and the
    seconds until it expires unless it is extended.
    """

    name: str
    holder: Holder | None
    waiting: int
    expires_in: float
    token: bytes

    @property
    def identity(self) -> str:
        """Return the token, which identifies this particular holding."""
        return self.token[:IDENTITY_LENGTH].decode("ascii", "replace")


def lock_info(client: Redis, name: str) -> LockInfo | None:
    """Return the lock with the key ``name``, or None when it is free. Raises ``RedisError``."""
    return next(_read(client, [name]), None)


def list_locks(client: Redis, pattern: str) -> list[LockInfo]:
    """Return all held locks whose key matches ``pattern`` (as in SCAN), ordered by name.

    Scans all keys of Redis without blocking it. Raises ``RedisError``.
    """
    # SCAN can return a key twice; the queue and other keys of a lock do not end with its hash tag.
    names = sorted({key.decode() for key in client.scan_iter(pattern, count=_STEP) if key.endswith(b"}")})
    return [found for at in range(0, len(names), _STEP) for found in _read(client, names[at : at + _STEP])]


def release_by_force(client: Redis, info: LockInfo) -> bool:
    """Free the lock if ``info`` is still its state; return whether it was. Raises ``RedisError``.

    Its holder is not notified: only the fence behind the lock separates the two.
    """
    return bool(run_script(client, RELEASE, (info.name,), (info.token,)))


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
