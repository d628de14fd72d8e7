"""The sizes of chunks, from how long the last ones took: short enough that orders and other tenants do not wait."""

from __future__ import annotations

import threading
from typing import Final
from uuid import UUID

from operations.engine.limits import CHUNK_SECONDS, LEAST_CHUNK

#: The weight of the latest chunk in the average.
_LATEST: Final = 0.5
#: Operations that one process remembers.
_REMEMBERED: Final = 1_000


class Pace:
    """The seconds per item of each operation, as one process has seen them. Threads may share one object."""

    def __init__(self, *, seconds: float = CHUNK_SECONDS, least: int = LEAST_CHUNK) -> None:
        """Aim at chunks of ``seconds``, of ``least`` items or more."""
        self._guard = threading.Lock()
        self._per_item: dict[UUID, float] = {}
        self._seconds = seconds
        self._least = least

    def size(self, operation_id: UUID, *, most: int) -> int:
        """Return the size of the operation's next chunk, at most ``most``."""
        with self._guard:
            per_item = self._per_item.get(operation_id)
        if not per_item:
            return most
        return min(most, max(self._least, int(self._seconds / per_item)))

    def note(self, operation_id: UUID, *, items: int, seconds: float) -> None:
        """Learn from a chunk of ``items`` that took ``seconds``."""
        per_item = seconds / max(1, items)
        with self._guard:
            known = self._per_item.pop(operation_id, per_item)
            self._per_item[operation_id] = known + _LATEST * (per_item - known)
            if len(self._per_item) > _REMEMBERED:
                del self._per_item[next(iter(self._per_item))]

    def forget(self, operation_id: UUID) -> None:
        """Forget an operation that has ended."""
        with self._guard:
            self._per_item.pop(operation_id, None)
