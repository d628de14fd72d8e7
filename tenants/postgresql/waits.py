"""Which requests of this process wait for which tenant's own database, and the refusal of more of them while one of
these databases does not respond.

A web process works on so many requests at once (``partner_engine.request_places``), of all tenants together. A database
that does not respond holds each request for seconds; without a limit its requests would take all places.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Final

import psycopg
from django.db import Error, OperationalError
from prometheus_client import Counter

#: Requests that may wait for databases that do not respond: half of the places of a web process, so that the others
#: remain for other tenants.
MOST: Final = 16
#: Seconds without a response while requests wait, after which a database counts as one that does not respond.
SILENCE: Final = 1.0

refusals: Final = Counter(
    "partner_engine_database_refusals",
    "Count of requests that were refused because enough others wait for a database that does not respond.",
    ["database"],
)


class DatabaseIsSilent(OperationalError):
    """The database does not respond, and enough requests of this process wait for it already."""


@dataclass(slots=True)
class _Wait:
    #: The requests that wait for a connection, a statement or the end of a transaction.
    waiting: int = 0
    #: When the database responded, or the first of those that wait began to.
    moved: float = 0.0
    #: Whether the last thing known is that it did not respond.
    is_suspect: bool = False

    def is_silent(self, now: float) -> bool:
        return self.waiting > 0 and now - self.moved > SILENCE


class Waits:
    """The waits of a process for databases, by their aliases. Used by many threads."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with none; ``clock`` returns seconds."""
        self._clock = clock
        self._lock = Lock()
        self._all: dict[str, _Wait] = {}

    @contextmanager
    def connecting(self, alias: str) -> Iterator[None]:
        """Count the block, which waits for a connection. Raises ``DatabaseIsSilent`` before it where enough wait."""
        self._begin(alias, is_new=True)
        try:
            yield
        except BaseException as error:
            self._end(alias, responded=_is_response(error))
            raise
        # A pool gives connections to a server that no longer responds, too.
        self._end(alias, responded=None)

    @contextmanager
    def executing(self, alias: str) -> Iterator[None]:
        """Count the block, which waits for a response to a statement."""
        self._begin(alias, is_new=False)
        try:
            yield
        except BaseException as error:
            self._end(alias, responded=_is_response(error))
            raise
        self._end(alias, responded=True)

    def _begin(self, alias: str, *, is_new: bool) -> None:
        with self._lock:
            now = self._clock()
            wait = self._all.setdefault(alias, _Wait())
            if not wait.waiting and not wait.is_suspect:
                wait.moved = now
            if is_new and wait.is_silent(now) and wait.waiting >= self._share(now):
                refusals.labels(alias).inc()
                raise DatabaseIsSilent(f"The database {alias!r} does not respond to {wait.waiting} requests.")
            wait.waiting += 1

    def _share(self, now: float) -> int:
        """Return how many requests may wait for each silent database: all of one server can be silent at once."""
        return max(1, MOST // sum(wait.is_silent(now) for wait in self._all.values()))

    def _end(self, alias: str, *, responded: bool | None) -> None:
        with self._lock:
            wait = self._all[alias]
            wait.waiting -= 1
            if responded:
                wait.moved = self._clock()
            if responded is not None:
                wait.is_suspect = not responded


def _is_response(error: BaseException) -> bool | None:
    """Return whether PostgreSQL responded with an error; None where the error is not of the connection."""
    cause = error.__cause__ if isinstance(error, Error) else error
    if isinstance(cause, psycopg.Error) and cause.sqlstate is not None:
        return True
    return False if isinstance(cause, psycopg.OperationalError) else None
