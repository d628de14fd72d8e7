"""``manage.py relay``: runs due actions and webhooks, without Celery and without Redis."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable
from queue import SimpleQueue
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connections

from actions.poller import poll_once, poll_until
from actions.sweeps import SWEEPS
from long_running import settle


class Command(BaseCommand):
    """Polls all databases; any number of these processes may run."""

    help = "Run due actions and webhooks of all databases until it is stopped; needs PostgreSQL alone."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the polling interval."""
        parser.add_argument("--every", type=float, default=1.0, help="Seconds between two looks.")
        parser.add_argument(
            "--only",
            action="append",
            choices=sorted(sweep.name for sweep in SWEEPS),
            help="Do this work alone; may be repeated. Other relays must do the rest.",
        )
        parser.add_argument("--once", action="store_true", help="Look once, and end.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Poll until SIGTERM or Ctrl-C; a database that is away is polled again. Raises ``SystemCheckError``."""
        # In production a server starts only with safe roles and enough connections (docs/deploying.md).
        self.check(tags=["start"], include_deployment_checks=True)
        chosen = [sweep for sweep in SWEEPS if sweep.name in (options["only"] or ())]
        only: dict[str, Any] = {"sweeps": chosen} if chosen else {}
        if options["once"]:
            poll_once(connections, **only)
            return
        over = threading.Event()
        set_at_signals(over, (signal.SIGTERM, signal.SIGINT))
        settle()
        poll_until(over, connections, every=options["every"], **only)


def set_at_signals(event: threading.Event, numbers: Iterable[int]) -> None:
    """Set ``event`` when one of the signals arrives.

    In a thread of its own: a signal interrupts the main thread anywhere, also while it holds the lock of the event that
    it begins to wait for, and to set the event would then wait for that lock for ever. A queue may be interrupted.
    """
    arrived = SimpleQueue[int]()

    def pass_on() -> None:
        arrived.get()
        event.set()

    threading.Thread(target=pass_on, name="signals", daemon=True).start()
    for number in numbers:
        signal.signal(number, lambda number, _frame: arrived.put(number))
