"""``manage.py repair_copy_index``: the shell around ``copies.index_repair``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from copies.index_repair import repair_copy_index
from redis_locks.job_mutex import JobMutex


class Command(BaseCommand):
    """Repairs the shared index of copies."""

    help = (
        "Give every copy its entry in the shared index and remove entries without a copy; a second run changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options of every maintenance command."""
        parser.add_argument("--dry-run", action="store_true", help="Count, and change nothing.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Repair the index and report the result. Raises ``CommandError`` while another repair runs."""
        with JobMutex("repair_copy_index") as is_ours:
            if not is_ours:
                raise CommandError("Another sweep of the index runs now; nothing was done. See `manage.py locks`.")
            found = repair_copy_index(dry_run=options["dry_run"])
        if options["json"]:
            self.stdout.write(json.dumps({**asdict(found), "dry_run": options["dry_run"]}))
            return
        verb = "to repair" if options["dry_run"] else "repaired"
        self.stdout.write(
            f"{found.checked} copies looked at. Entries {verb}: {found.missing} missing, {found.wrong} wrong, "
            f"{found.without_copy} without a copy."
        )
        for alias in found.unreachable:
            self.stderr.write(f"Not looked at: TENANT_DATABASE_{alias.upper()} is not set.")
