"""``manage.py seal_answers``: the shell around ``batch.sealing_run``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from batch.sealing_run import Sealed, seal_tenant
from redis_locks.job_mutex import JobMutex
from tenants.models import Tenant


class Command(BaseCommand):
    """Seals values that were stored before their question became secret."""

    help = (
        "Encrypt the values that copies, their earlier versions and stored events still hold in plain text because "
        "their question became secret (spi) later. Publishing such a release asks for this run. Safe during saves; "
        "after an interruption it continues; a second run finds nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options of every maintenance command, and the tenant."""
        parser.add_argument("--tenant", help="Code of the one tenant whose copies are sealed.")
        parser.add_argument("--dry-run", action="store_true", help="Count, and change nothing.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object per tenant, at its end.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seal tenant by tenant and report progress. Raises ``CommandError`` while another run goes on, and where
        copies were left.
        """
        tenants = Tenant.objects.order_by("code")
        if options["tenant"]:
            tenants = tenants.filter(code=options["tenant"])
            if not tenants:
                raise CommandError(f"There is no tenant {options['tenant']!r}; its code is in the admin.")
        left = 0
        with JobMutex("seal_answers") as is_ours:
            if not is_ours:
                raise CommandError("Another sealing run is in progress; nothing was done. See `manage.py locks`.")
            for tenant in tenants:
                if tenant.database_alias not in connections:
                    self.stderr.write(f"Not looked at: TENANT_DATABASE_{tenant.database_alias.upper()} is not set.")
                    continue
                left += self._seal(tenant, options).left
        if left:
            raise CommandError(f"{left} copies could not be sealed because they were in use. Run the command again.")

    def _seal(self, tenant: Tenant, options: dict[str, Any]) -> Sealed:
        done = Sealed()
        for done in seal_tenant(tenant, dry_run=options["dry_run"]):
            if not options["json"]:
                self.stderr.write(f"{tenant.code}: {done.looked_at} copies looked at ...", ending="\r")
        if options["json"]:
            self.stdout.write(json.dumps({"tenant": tenant.code, **asdict(done), "dry_run": options["dry_run"]}))
            return done
        verb = "to seal" if options["dry_run"] else "sealed"
        self.stdout.write(
            f"{tenant.code}: {done.looked_at} copies looked at, {done.values} values {verb} in {done.copies} copies, "
            f"{done.revisions} earlier versions, {done.events} events."
        )
        return done
