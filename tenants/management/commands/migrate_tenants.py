"""Migrates every tenant's own database; ``migrate`` alone covers the shared one."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import DEFAULT_DB_ALIAS, connections

from tenants.moves.id_ranges import give_range


class Command(BaseCommand):
    """Migrates one database after the other; the first failure ends the run."""

    help = "Migrate every database named by TENANT_DATABASE_<ALIAS>; a second run changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options of ``migrate`` that make sense for several databases."""
        parser.add_argument("--check", action="store_true", help="Exit with 1 if a database is behind; change nothing.")
        parser.add_argument("--plan", action="store_true", help="Show what would be done; change nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate the tenants' databases."""
        aliases = [alias for alias in connections if alias != DEFAULT_DB_ALIAS]
        if not aliases:
            self.stdout.write("No tenant has a database of its own.")
        for alias in aliases:
            call_command(
                "migrate",
                database=alias,
                interactive=False,
                check_unapplied=options["check"],
                plan=options["plan"],
                verbosity=options["verbosity"] if options["plan"] else max(options["verbosity"] - 1, 0),
                stdout=self.stdout,
                stderr=self.stderr,
            )
            if not options["plan"]:
                give_range(alias)
                self.stdout.write(f"{alias}: up to date.")
