"""How many requests a web process works on at once: the others wait for a place, in the order of their arrival.

Requests at once take turns at one interpreter, so more of them end none sooner. They cost more: a thread each, and more
changes between threads; by measurement a seventh of the processor time of a save where a hundred came at once. Some do
not use the processor but wait, for a locked copy or for a database that does not respond; so when hardly any request
ends and the process is idle, others are let in beside them (docs/adr/0052-places-of-requests.md).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final

#: Requests at once.
AT_ONCE: Final = 32
#: Seconds after which a request that has no place is refused, as one without a database connection is.
PATIENCE: Final = 3.0
#: Requests that end in a second: if fewer do in an idle process, the requests with a place hang, and as many others are
#: let in.
FEWEST: Final = 8
#: The most that are let in beside requests that hang, together with these: a thread each.
MOST: Final = 8 * AT_ONCE
#: The part of a core from which a process is not idle: its requests do not hang but are long, and take turns.
BUSY: Final = 0.8
_SECOND: Final = 1.0


class NoPlaceFree(Exception):  # noqa: N818 - a state, not an error
    """All places were taken for longer than a request waits."""


class Places:
    """The places of a process. Used by the event loop alone."""

    def __init__(
        self,
        *,
        at_once: int = AT_ONCE,
        patience: float = PATIENCE,
        processor_time: Callable[[], float] = time.process_time,
    ) -> None:
        """Have ``at_once`` places; a request waits for ``patience`` seconds. ``processor_time`` is that of the process,
        in seconds.
        """
        #: The usual number of places, and that of now, which is larger while requests hang.
        self._at_once = self._width = at_once
        #: The longest wait, in seconds.
        self.patience = patience
        self._taken = self._ended = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_watched = False
        self._processor_time = processor_time
        #: The time and the processor time of the last look.
        self._looked = (0.0, 0.0)

    async def take(self) -> float:
        """Take a place, which ``give_back`` must follow; return the seconds of the wait for it, 0 without one. Raises
        ``NoPlaceFree``.
        """
        if self._taken < self._width:
            self._taken += 1
            return 0.0
        loop = asyncio.get_running_loop()
        began = loop.time()
        place = loop.create_future()
        self._waiting.append(place)
        if not self._is_watched:
            self._look_later(loop)
        try:
            async with asyncio.timeout(self.patience):
                await place
        except BaseException as error:
            if place.done() and not place.cancelled():
                # It came in the same moment.
                self.give_back()
            if isinstance(error, TimeoutError):
                raise NoPlaceFree from error
            raise
        return loop.time() - began

    def give_back(self) -> None:
        """Give a place back; the first who waits gets it."""
        self._taken -= 1
        self._ended += 1
        if self._taken < self._at_once:
            self._width = self._at_once
        if self._taken < self._width:
            self._let_in(1)

    def _let_in(self, number: int) -> None:
        while number and self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                self._taken += 1
                number -= 1

    def _look_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._is_watched, self._ended, self._looked = True, 0, (loop.time(), self._processor_time())
        loop.call_later(_SECOND, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let others in if the requests hang; look again as long as any wait."""
        if self._ended < FEWEST and not self._is_busy(loop.time()):
            self._width = max(self._width, min(self._taken + self._at_once, MOST))
            self._let_in(max(0, self._width - self._taken))
        self._is_watched = False
        if self._waiting:
            self._look_later(loop)

    def _is_busy(self, now: float) -> bool:
        """Return whether the process has used most of a core since the last look."""
        then, used = self._looked
        return self._processor_time() - used >= BUSY * (now - then)
