"""Lists the round trips to Redis of a block, with the commands of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from redis.connection import AbstractConnection


@contextmanager
def redis_trips() -> Iterator[list[str]]:
    """Yield a list to which each round trip of this process adds the names of its commands."""
    trips: list[str] = []
    send = AbstractConnection.send_packed_command

    def listed(self: AbstractConnection, command: Any, check_health: bool = True) -> None:
        trips.append(" ".join(_names(command)))
        send(self, command, check_health)

    with patch.object(AbstractConnection, "send_packed_command", listed):
        yield trips


def _names(packed: bytes | str | Sequence[bytes]) -> list[str]:
    """Return the names of the commands in ``packed``, which has the protocol of Redis."""
    parts = [packed] if isinstance(packed, bytes | str) else packed
    rest = b"".join(part.encode() if isinstance(part, str) else bytes(part) for part in parts)
    names = []
    while rest:
        head, _, rest = rest.partition(b"\r\n")
        words = []
        for _ in range(int(head[1:])):
            length, _, rest = rest.partition(b"\r\n")
            words.append(rest[: int(length[1:])])
            rest = rest[int(length[1:]) + 2 :]
        names.append(words[0].decode())
    return names
