"""``manage.py shadow_rules CODE``: decides the shadow rules of the current release for all open copies, and counts."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalogue import releases
from decisions.shadow import count_shadow_rules, record_shadow_rules
from tenants.current_tenant import use_tenant
from tenants.models import Tenant


class Command(BaseCommand):
    """Records the results that are missing, then prints the counts of each shadow rule."""

    help = "Counts how often the shadow rules of a catalogue's current release would have fired."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the catalogue's code."""
        parser.add_argument("code", help="The catalogue's code.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Record and count."""
        try:
            release = releases.current(options["code"])
        except releases.NoRelease as error:
            raise CommandError(str(error)) from error
        for tenant in Tenant.objects.all():
            with use_tenant(tenant):
                while record_shadow_rules(tenant, seconds=60.0):
                    pass
        counts = count_shadow_rules(release.id, release.compiled)
        if not counts:
            self.stdout.write(f"Release {release.number} has no shadow rules.")
        for name, count in counts.items():
            self.stdout.write(f"{name}: {count.fired:,} fired, {count.not_fired:,} not, {count.unknown:,} unknown")
