"""``manage.py seed_forms``: fill a tenant with many forms, to try the product at full size."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from partner_engine.seeded_forms import seed_forms
from tenants.access import system_actor
from tenants.models import Tenant


class Command(BaseCommand):
    """Adds forms with the demo's answers; the tenant's catalogue must be the demo's."""

    help = "Add many forms to a tenant of the demo, for load tests (only with DEMO=1)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the tenant and the number of forms."""
        parser.add_argument("tenant", help="The tenant's code.")
        parser.add_argument("--forms", type=int, default=10_000, help="The number of forms to add.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Add the forms and report time and disk use. Raises ``CommandError`` without DEMO=1."""
        if not settings.DEMO:
            raise CommandError("These forms are for trying the product; set DEMO=1 to add them.")
        tenant = Tenant.objects.filter(code=options["tenant"]).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {options['tenant']!r}.")
        if options["forms"] < 1:
            raise CommandError("Add at least one form.")
        began, before, shown = time.monotonic(), _bytes(tenant.database_alias), 0.0
        for done in seed_forms(options["forms"], tenant=tenant, actor=system_actor("seed_forms")):
            if time.monotonic() - shown > 10:  # noqa: PLR2004 - seconds
                shown = time.monotonic()
                self.stdout.write(f"{done:,} of {options['forms']:,} forms")
        with connections[tenant.database_alias].cursor() as cursor:
            # Without statistics the first plans would be those of empty tables.
            cursor.execute("ANALYZE")
        size = (_bytes(tenant.database_alias) - before) / options["forms"] / 1_000
        taken = time.monotonic() - began
        self.stdout.write(f"{options['forms']:,} forms in {taken:,.0f} s, {size:,.1f} kB of disk each.")


def _bytes(alias: str) -> int:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])
