"""What waits to be sent on one socket: bounded, so that a slow reader costs no memory. Pure."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

#: Frames that may wait.
ROOM: Final = 64
#: How often a reader may fall behind by that much before its socket is closed.
MOST_OVERFLOWS: Final = 3


class Closed(Exception):
    """Nothing more is sent on this socket; ``code`` and ``reason`` tell its client why."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Mailbox:
    """Frames in order, put in by anybody of the event loop and taken out by the socket's one writer."""

    def __init__(self) -> None:
        self._frames: deque[str] = deque()
        self._wake = asyncio.Event()
        self._closed: Closed | None = None
        self._overflows = 0

    def put(self, frame: str, *, resync: str) -> bool:
        """Let ``frame`` wait. Where there is no room all that waits is dropped and ``resync`` waits instead.

        Return False when that happened once too often.
        """
        if self._closed is not None:
            return True
        if len(self._frames) >= ROOM:
            self._frames.clear()
            self._overflows += 1
            frame = resync
        self._frames.append(frame)
        self._wake.set()
        return self._overflows < MOST_OVERFLOWS

    @property
    def is_closed(self) -> bool:
        """Tell whether nothing more is sent."""
        return self._closed is not None

    def close(self, code: int, reason: str) -> None:
        """Send nothing more, also of what waits."""
        if self._closed is None:
            self._closed = Closed(code, reason)
            self._frames.clear()
            self._wake.set()

    async def take(self) -> str:
        """Wait for a frame and return it. Raises ``Closed``."""
        while not self._frames:
            if self._closed is not None:
                raise self._closed
            self._wake.clear()
            await self._wake.wait()
        return self._frames.popleft()
