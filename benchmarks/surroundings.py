"""The environment of the figures: prepares Django and the database, and describes the machine and the versions."""

from __future__ import annotations

import os
import platform

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from benchmarks.rounds import SPREAD
from long_running import settle


def prepare() -> None:
    """Set Django up as in production, as far as speed goes, and migrate the database."""
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    django.setup()
    # With DEBUG Django would store every statement.
    settings.DEBUG = False
    call_command("migrate", verbosity=0)
    settle()


def describe() -> list[str]:
    """Return the facts that a reader must know about this run."""
    return [
        f"{os.cpu_count()} CPUs, {platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"Django {django.get_version()}, PostgreSQL {_shown('server_version').split()[0]}",
        f"load average {os.getloadavg()[0]:.1f} as the last run began; each group of figures states its own: "
        "other work makes times longer and spreads wider",
        f"PostgreSQL: fsync={_shown('fsync')}, synchronous_commit={_shown('synchronous_commit')}, "
        f"full_page_writes={_shown('full_page_writes')}, shared_buffers={_shown('shared_buffers')}",
        f"Interleaved rounds, order rotated; values are medians, spread is the {SPREAD}; garbage collected before each "
        "turn, automatic collection on; logs from WARNING up",
    ]


def _shown(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        return str(cursor.fetchone()[0])
