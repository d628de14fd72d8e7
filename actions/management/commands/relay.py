"""``manage.py relay``: runs due actions and webhooks, without Celery and without Redis."""

from __future__ import annotations

import signal
import threading
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
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: over.set())
        settle()
        poll_until(over, connections, every=options["every"], **only)
