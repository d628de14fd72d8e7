"""Moves a tenant's rows to another database while its people go on working."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.models import Tenant
from tenants.moves.move import DISCARD_AFTER, MoveRefused, Report, abort, discard_old_rows, move, previous_database
from tenants.moves.session import TablesAreBusy
from tenants.moves.transfer import AnotherMove, Copied


class Command(BaseCommand):
    """Moves, moves back, gives up, or discards the old rows of one tenant."""

    help = (
        "Move a tenant to another database. Killed at any point, the same command goes on. The old rows stay, hidden,"
        " until --confirm."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the tenant's code and what to do."""
        parser.add_argument("code", help="The code of the tenant.")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--to", metavar="ALIAS", help="The database to move to; 'default' is the shared one.")
        what.add_argument("--back", action="store_true", help="Move back to the database that still has the old rows.")
        what.add_argument("--abort", action="store_true", help="Give up a move that has not switched yet.")
        what.add_argument("--confirm", action="store_true", help="Accept the move: delete the old rows.")
        parser.add_argument(
            "--after", type=float, default=DISCARD_AFTER, metavar="SECONDS",
            help="With --confirm: the age of the move from which the old rows may be deleted.",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and report the steps."""
        tenant = Tenant.objects.filter(code=options["code"]).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {options['code']!r}.")
        report = Report(step=self._say, table=_Progress(self))
        try:
            if options["abort"]:
                abort(tenant, report=report)
                self._say(f"{tenant.code} stays in {tenant.database_alias!r}")
            elif options["confirm"]:
                discard_old_rows(tenant, report=report, after=options["after"])
                self._say("The old rows are deleted")
            else:
                self._move(tenant, options["to"] or previous_database(tenant), report)
        except (MoveRefused, AnotherMove, TablesAreBusy) as refused:
            raise CommandError(str(refused)) from refused

    def _move(self, tenant: Tenant, to: str, report: Report) -> None:
        for digest in move(tenant, to=to, report=report):
            self.stdout.write(f"  {digest.table}: {digest.rows} rows, sha256 {digest.digest[:16]}")
        self._say(
            f"{tenant.code} is in {to!r}. Its old rows stay, hidden, until --confirm; --back moves it back with"
            " what has changed since"
        )

    def _say(self, text: str) -> None:
        self.stdout.write(f"{text}.")


class _Progress:
    """Writes the progress of a table at most once a second, and its end."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._written_at = 0.0

    def __call__(self, copied: Copied) -> None:
        now = time.monotonic()
        if copied.is_done or now - self._written_at > 1.0:
            self._written_at = now
            state = "done" if copied.is_done else "so far"
            self._command.stdout.write(f"  {copied.table}: {copied.rows} rows {state}")
