"""``manage.py upgrade``: brings static files and all databases to this version, before its processes start."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, connections

from partner_engine.health import state_of_database
from redis_locks.job_mutex import JobMutex

#: How the processes follow (docs/deploying.md says why).
ROLL_OUT: Final = (
    "Now restart, in this order: relays, workers, beat, then the web processes one after the other, each when /readyz"
    " of the one before responds with 200. At the end run manage.py doctor."
)


class Command(BaseCommand):
    """Does the steps of an upgrade in their order; run again after a failure, it goes on."""

    help = (
        "Collect static files, migrate the shared database, then each tenant's own. Run it once per version, while the"
        " processes of the earlier version still work. A second run changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the choices of one upgrade."""
        parser.add_argument("--dry-run", action="store_true", help="Show what would be done; change nothing.")
        parser.add_argument(
            "--no-static", action="store_true", help="Leave static files alone: a container's image has them already."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Upgrade. Raises ``CommandError`` before anything is changed if a database is away or another upgrade runs."""
        away = [alias for alias in connections if state_of_database(alias) != "ok"]
        if away:
            raise CommandError(f"Nothing was changed: not responding: {', '.join(away)}. Start the database server.")
        with JobMutex("upgrade") as is_ours:
            if not is_ours:
                raise CommandError("Another upgrade runs now; nothing was changed. See `manage.py locks`.")
            self._upgrade(is_dry_run=options["dry_run"], with_static=not options["no_static"])

    def _upgrade(self, *, is_dry_run: bool, with_static: bool) -> None:
        # First, because it only adds files: pages of the earlier version keep theirs.
        if with_static and not settings.DEVELOPMENT:
            self.stdout.write("Static files:")
            call_command("collectstatic", interactive=False, dry_run=is_dry_run, verbosity=1, stdout=self.stdout)
        self.stdout.write("Shared database:")
        call_command(
            "migrate", database=DEFAULT_DB_ALIAS, interactive=False, plan=is_dry_run, verbosity=1, stdout=self.stdout
        )
        self.stdout.write("Databases of tenants:")
        call_command("migrate_tenants", plan=is_dry_run, stdout=self.stdout, stderr=self.stderr)
        self.stdout.write("Nothing was changed (--dry-run)." if is_dry_run else ROLL_OUT)
