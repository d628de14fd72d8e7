"""``manage.py relay``: runs due actions by looking for them, without Celery and without Redis."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connections

from actions.tasks import sweep


class Command(BaseCommand):
    """Sweeps all databases again and again; any number of them may run, beside workers or instead of them."""

    help = "Run due actions of all databases until it is stopped; needs PostgreSQL alone."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take how often to look."""
        parser.add_argument("--every", type=float, default=1.0, help="Seconds between two looks.")
        parser.add_argument("--once", action="store_true", help="Look once, and end.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Sweep; a database that is away is looked at again by the next sweep."""
        while True:
            sweep()
            if options["once"]:
                return
            # A connection that broke is not used again.
            connections.close_all()
            time.sleep(options["every"])
