"""``manage.py doctor``: says in one list whether this installation is well, and what helps where it is not."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from partner_engine.doctor.examination import Result, examine_all


class Command(BaseCommand):
    """Runs every check. It never starts or stops a process, and writes nothing without --repair."""

    help = (
        "Check settings, static files, roles, keys, Redis, beat, relay, workers, backups, migrations, work that waits,"
        " and drift between documents, decisions, quotes, index and search (by samples). Exits with 1 if a check fails."
    )
    # They are among its checks: an installation that does not start must be examined too.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the form of the report, and repairs."""
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")
        parser.add_argument(
            "--repair",
            action="store_true",
            help="Repair what is safe at any time: static files, the shared index, the search.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the checks and report. Raises ``CommandError`` if one fails."""
        results = []
        for result in examine_all(is_repairing=options["repair"]):
            results.append(result)
            if not options["json"]:
                self._write(result)
        counts = {level: sum(result.level == level for result in results) for level in ("ok", "warn", "fail")}
        if options["json"]:
            status = "fail" if counts["fail"] else "warn" if counts["warn"] else "ok"
            checks = [asdict(result) for result in results]
            self.stdout.write(json.dumps({"status": status, "counts": counts, "checks": checks}, ensure_ascii=False))
        else:
            self.stdout.write(f"{counts['ok']} ok, {counts['warn']} to look at, {counts['fail']} failed.")
        if counts["fail"]:
            raise CommandError(f"{counts['fail']} checks failed; each line has its remedy.")

    def _write(self, result: Result) -> None:
        title = f"{result.check} ({result.database})" if result.database else result.check
        styles = {"ok": self.style.SUCCESS, "warn": self.style.WARNING, "fail": self.style.ERROR}
        self.stdout.write(f"{styles[result.level](f'{result.level:<5}')}{title}: {result.figure}, {result.text}")
        if result.repaired:
            self.stdout.write(f"     repaired: {result.repaired}")
        if result.remedy:
            self.stdout.write(f"     {result.remedy}")
