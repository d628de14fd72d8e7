"""``manage.py note_backup``: reports a finished backup, so that the admin's start page can vouch for it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, connections
from django.utils import timezone

from tenants.models import Backup


class Command(BaseCommand):
    """Stores when a database was last backed up."""

    help = "Report that a backup of a database has just ended well; call it at the end of the backup job."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the database."""
        parser.add_argument(
            "--database", default=DEFAULT_DB_ALIAS, help="The alias of the database that was backed up."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Store the present time. Raises ``CommandError`` for an unknown database."""
        alias = options["database"]
        if alias not in connections:
            raise CommandError(f"There is no database {alias!r}. Known ones: {', '.join(sorted(connections))}.")
        Backup.objects.update_or_create(database=alias, defaults={"finished_at": timezone.now()})
        self.stdout.write(f"The backup of {alias} is noted.")
