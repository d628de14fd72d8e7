"""How many requests a web process works on at once: the others wait for a place, in the order of their arrival.

Requests at once take turns at one interpreter, so more of them end none sooner. They cost more: a thread each, and more
changes between threads; by measurement a seventh of the processor time of a save where a hundred came at once. Some do
not use the processor but wait, for a locked copy or for a database that does not respond; so when hardly any request
ends, others are let in beside them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

#: Requests at once.
AT_ONCE: Final = 32
#: Seconds after which a request that has no place is refused, as one without a database connection is.
PATIENCE: Final = 3.0
#: Requests that end in a second: if fewer do, the requests with a place hang, and as many others are let in.
FEWEST: Final = 8
_SECOND: Final = 1.0


class NoPlaceFree(Exception):  # noqa: N818 - a state, not an error
    """All places were taken for longer than a request waits."""


class Places:
    """The places of a process. Used by the event loop alone."""

    def __init__(self, *, at_once: int = AT_ONCE, patience: float = PATIENCE) -> None:
        """Have ``at_once`` places; a request waits for ``patience`` seconds."""
        #: The usual number of places, and that of now, which is larger while requests hang.
        self._at_once = self._width = at_once
        self._patience = patience
        self._taken = self._ended = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_watched = False

    async def take(self) -> None:
        """Take a place, which ``give_back`` must follow. Raises ``NoPlaceFree``."""
        if self._taken < self._width:
            self._taken += 1
            return
        loop = asyncio.get_running_loop()
        place = loop.create_future()
        self._waiting.append(place)
        if not self._is_watched:
            self._look_later(loop)
        try:
            async with asyncio.timeout(self._patience):
                await place
        except BaseException as error:
            if place.done() and not place.cancelled():
                # It came in the same moment.
                self.give_back()
            if isinstance(error, TimeoutError):
                raise NoPlaceFree from error
            raise

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
        self._is_watched, self._ended = True, 0
        loop.call_later(_SECOND, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let others in if hardly any request has ended since the last look; look again as long as any wait."""
        if self._ended < FEWEST:
            self._width = self._taken + self._at_once
            self._let_in(self._at_once)
        self._is_watched = False
        if self._waiting:
            self._look_later(loop)
