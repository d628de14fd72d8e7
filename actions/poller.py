"""Looks again and again for what is due in every database: what nobody was told of, and what has waited long enough.

Needs PostgreSQL alone. Each database has threads of its own, so that one which is slow or away holds up no other.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

import structlog
from django.db import DatabaseError, connections

from actions import relay
from webhooks.delivery import deliver_due

#: Does once what is due in the database that an alias names.
Work: TypeAlias = Callable[[str], object]
#: How long those who are at work are waited for at the end; what they do not finish, others do.
_FAREWELL_SECONDS: Final = 10.0
_MOST_SECONDS: Final = 2.0

log = structlog.get_logger(__name__)


def run_actions(alias: str) -> None:
    """Run the due actions of the database ``alias``, for a few seconds at most. Raises ``DatabaseError``."""
    relay.drain(alias, seconds=_MOST_SECONDS)


def deliver_webhooks(alias: str) -> None:
    """Post the due webhooks of the database ``alias``, for about a minute at most. Raises ``DatabaseError``."""
    deliver_due(alias, seconds=60.0)


#: Two deliver, by turns: who comes to the end of its time waits for what is under way, and the other goes on.
WORKS: Final[tuple[Work, ...]] = (run_actions, deliver_webhooks, deliver_webhooks)


def sweep_until(
    over: threading.Event, aliases: Iterable[str], *, every: float, works: Iterable[Work] = WORKS
) -> None:  # fmt: skip
    """Do all ``works`` in all databases, ``every`` so many seconds, until it is ``over``."""
    threads = [
        threading.Thread(target=_sweep, args=(work, alias, every, over), name=f"sweep of {alias}", daemon=True)
        for alias in aliases
        for work in works
    ]
    for thread in threads:
        thread.start()
    over.wait()
    ends = time.monotonic() + _FAREWELL_SECONDS
    for thread in threads:
        thread.join(max(0.0, ends - time.monotonic()))


def sweep_once(aliases: Iterable[str]) -> None:
    """Do what is due in each of the databases, one after the other."""
    for alias in aliases:
        for work in (run_actions, deliver_webhooks):
            _try(work, alias)


def _sweep(work: Work, alias: str, every: float, over: threading.Event) -> None:
    while not over.is_set():
        _try(work, alias)
        over.wait(every)
    connections.close_all()


def _try(work: Work, alias: str) -> None:
    try:
        work(alias)
    except DatabaseError as error:
        log.warning("database_not_swept", database=alias, reason=type(error).__name__)
        # A connection that broke is not used again.
        connections.close_all()
    except Exception:
        # The rows are there, and the next look may do better.
        log.exception("sweep_failed", database=alias)
        connections.close_all()
