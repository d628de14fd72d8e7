"""Which requests of this process wait for which tenant's own database, and the refusal of more of them while one of
these databases does not respond.

A web process works on so many requests at once (``partner_engine.request_places``), of all tenants together. A database
that does not respond holds each request for seconds; without a limit its requests would take all places.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

import psycopg
from django.db import Error, OperationalError
from prometheus_client import Counter

#: Requests that may wait for databases that do not respond: half of the places of a web process, so that the others
#: remain for other tenants.
MOST: Final = 16
#: Seconds without a response after which a wait is an old one.
SILENCE: Final = 1.0
#: Old waits from which databases count as silent: a few long statements are none.
OLD: Final = MOST // 2
#: Seconds for which a failure is remembered if nothing responds and nothing else fails.
MEMORY: Final = 10.0

refusals: Final = Counter(
    "partner_engine_database_refusals",
    "Count of requests that were refused because enough others wait for a database that does not respond.",
    ["database"],
)


class DatabaseIsSilent(OperationalError):
    """The database does not respond, and enough requests of this process wait for it already."""


@dataclass(slots=True)
class _Database:
    """The waits for one database: when the requests that wait for a connection, or for a statement or the end of a
    transaction, began to; when the database responded last; and when it last did not, unless it has since.
    """

    connecting: list[float] = field(default_factory=list)
    executing: list[float] = field(default_factory=list)
    responded: float = -math.inf
    failed: float = -math.inf

    @property
    def number(self) -> int:
        return len(self.connecting) + len(self.executing)

    def has_failed(self, now: float) -> bool:
        return now - self.failed <= MEMORY

    def is_quiet(self, now: float) -> bool:
        """Return whether it failed, or a statement waits and none got a response within a second. Waits for connections
        alone say nothing: others of this process may hold them all.
        """
        if self.has_failed(now):
            return True
        return now - self.responded > SILENCE and _old(self.executing, now) > 0

    def old(self, now: float) -> int:
        return _old(self.connecting, now) + _old(self.executing, now)


def _old(waits: list[float], now: float) -> int:
    return sum(now - began > SILENCE for began in waits)


class Waits:
    """The waits of a process for databases, by their aliases. Used by many threads."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with none; ``clock`` returns seconds."""
        self._clock = clock
        self._lock = Lock()
        self._all: dict[str, _Database] = {}

    @contextmanager
    def connecting(self, alias: str) -> Iterator[None]:
        """Count the block, which waits for a connection. Raises ``DatabaseIsSilent`` before it where enough wait."""
        with self._lock:
            database, now = self._of(alias), self._clock()
            if self._are_enough(database, now):
                refusals.labels(alias).inc()
                raise DatabaseIsSilent(f"The database {alias!r} does not respond to {database.number} requests.")
            database.connecting.append(now)
        # A pool gives connections to a server that no longer responds, too.
        with self._until_end(database, database.connecting, now, responded=None):
            yield

    @contextmanager
    def executing(self, alias: str) -> Iterator[None]:
        """Count the block, which waits for a response to a statement."""
        with self._lock:
            database, now = self._of(alias), self._clock()
            database.executing.append(now)
        with self._until_end(database, database.executing, now, responded=True):
            yield

    def _of(self, alias: str) -> _Database:
        if alias not in self._all:
            self._all[alias] = _Database()
            # From here on its count is 0: a first value above that would be no increase for an alert.
            refusals.labels(alias)
        return self._all[alias]

    def _are_enough(self, database: _Database, now: float) -> bool:
        """Return whether enough requests wait for a database that does not respond, and for others that do not: all of
        one server can be silent at once.
        """
        if not database.is_quiet(now):
            return False
        quiet = [each for each in self._all.values() if each.number and each.is_quiet(now)]
        is_sure = database.has_failed(now) or sum(each.old(now) for each in quiet) >= OLD
        return is_sure and sum(each.number for each in quiet) >= MOST and database.number >= max(1, MOST // len(quiet))

    @contextmanager
    def _until_end(
        self, database: _Database, waits: list[float], began: float, *, responded: bool | None
    ) -> Iterator[None]:
        """Remove a wait from ``waits`` after the block, and note whether the database has ``responded``: as stated, or
        by the error that ends the block.
        """
        try:
            yield
        except BaseException as error:
            responded = _is_response(error)
            raise
        finally:
            with self._lock:
                waits.remove(began)
                if responded:
                    database.responded, database.failed = self._clock(), -math.inf
                elif responded is False:
                    database.failed = self._clock()


def _is_response(error: BaseException) -> bool | None:
    """Return whether PostgreSQL responded with an error; None where the error is not of the connection."""
    cause = error.__cause__ if isinstance(error, Error) else error
    if isinstance(cause, psycopg.Error) and cause.sqlstate is not None:
        return True
    return False if isinstance(cause, psycopg.OperationalError) else None
