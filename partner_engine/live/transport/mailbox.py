"""The queue of frames to be sent on one socket: bounded, so that a slow reader costs no memory. Pure."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

#: The maximum number of queued frames.
CAPACITY: Final = 64
#: How often the queue may overflow before the socket is closed.
MAX_OVERFLOWS: Final = 3


class Closed(Exception):
    """The mailbox is closed; ``code`` and ``reason`` are sent to the client."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Mailbox:
    """A queue of frames, filled by any task of the event loop and emptied by the socket's one writer."""

    def __init__(self) -> None:
        self._frames: deque[str] = deque()
        #: What the writer waits for while there is no frame; a bare future, as an event costs twice as much.
        self._waiting: asyncio.Future[None] | None = None
        self._closed: Closed | None = None
        self._overflows = 0

    def put(self, frame: str, *, resync: str) -> bool:
        """Queue ``frame``. If the queue is full, drop its frames and queue ``resync`` instead.

        Return False once that has happened too often.
        """
        if self._closed is not None:
            return True
        if len(self._frames) >= CAPACITY:
            self._frames.clear()
            self._overflows += 1
            frame = resync
        self._frames.append(frame)
        self._wake_writer()
        return self._overflows < MAX_OVERFLOWS

    @property
    def is_closed(self) -> bool:
        """Return whether the mailbox sends no more frames."""
        return self._closed is not None

    def close(self, code: int, reason: str) -> None:
        """Drop the queued frames and send no more."""
        if self._closed is None:
            self._closed = Closed(code, reason)
            self._frames.clear()
            self._wake_writer()

    async def take(self) -> str:
        """Wait for the next frame and return it. Raises ``Closed``."""
        while not self._frames:
            if self._closed is not None:
                raise self._closed
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        return self._frames.popleft()

    def _wake_writer(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)
