"""``manage.py relay``: runs due actions and posts due webhooks by looking for them, without Celery and Redis."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final

import structlog
from django.core.management.base import BaseCommand, CommandParser
from django.db import connections

from actions.tasks import sweep
from actions.webhooks.delivering import deliver_due

_DELIVERY_SECONDS: Final = 60.0

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    """Sweeps all databases again and again; any number of them may run, beside workers or instead of them."""

    help = "Run due actions and post due webhooks of all databases until it is stopped; needs PostgreSQL alone."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take how often to look."""
        parser.add_argument("--every", type=float, default=1.0, help="Seconds between two looks.")
        parser.add_argument("--once", action="store_true", help="Look once, and end.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Sweep; a database that is away is looked at again by the next sweep."""
        if options["once"]:
            sweep()
            deliver_due(seconds=_DELIVERY_SECONDS)
            return
        # Beside the sweeps: an endpoint that is slow to answer must not hold them up.
        posting = threading.Thread(target=_again_and_again, args=(_deliver, options["every"]), daemon=True)
        posting.start()
        _again_and_again(sweep, options["every"])


def _deliver() -> None:
    try:
        deliver_due(seconds=_DELIVERY_SECONDS)
    except Exception:
        # The next look may find it mended; the thread must live as long as the command does.
        log.exception("webhooks_not_delivered")


def _again_and_again(work: Callable[[], object], every: float) -> None:
    while True:
        work()
        # A connection that broke is not used again.
        connections.close_all()
        time.sleep(every)
