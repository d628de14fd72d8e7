"""``manage.py rebuild_search``: the shell around ``search.indexer.rebuild_search``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from redis_locks.job_mutex import JobMutex
from search.indexer import Rebuilt, rebuild_search
from tenants.models import Tenant


class Command(BaseCommand):
    """Updates the search index for all copies."""

    help = (
        "Read again every copy whose search entry is missing, or of another version or release, and remove "
        "entries without a copy. Safe during saves; after an interruption it continues; a second run finds nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options of every maintenance command, and the tenant."""
        parser.add_argument("--tenant", help="Code of the one tenant whose copies are read.")
        parser.add_argument("--all", action="store_true", help="Read up-to-date copies again too.")
        parser.add_argument("--dry-run", action="store_true", help="Count, and change nothing.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object per tenant, at its end.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Rebuild tenant by tenant and report progress. Raises ``CommandError`` while another rebuild runs."""
        tenants = Tenant.objects.order_by("code")
        if options["tenant"]:
            tenants = tenants.filter(code=options["tenant"])
            if not tenants:
                raise CommandError(f"There is no tenant {options['tenant']!r}; its code is in the admin.")
        with JobMutex("rebuild_search") as is_ours:
            if not is_ours:
                raise CommandError("Another rebuild of the search runs now; nothing was done. See `manage.py locks`.")
            for tenant in tenants:
                if tenant.database_alias not in connections:
                    self.stderr.write(f"Not looked at: TENANT_DATABASE_{tenant.database_alias.upper()} is not set.")
                    continue
                self._rebuild(tenant, options)

    def _rebuild(self, tenant: Tenant, options: dict[str, Any]) -> None:
        done = Rebuilt()
        for done in rebuild_search(tenant, dry_run=options["dry_run"], everything=options["all"]):
            if not options["json"]:
                self.stderr.write(f"{tenant.code}: {done.looked_at} copies looked at ...", ending="\r")
        if options["json"]:
            self.stdout.write(json.dumps({"tenant": tenant.code, **asdict(done), "dry_run": options["dry_run"]}))
            return
        verb = "to read again" if options["dry_run"] else "read again"
        self.stdout.write(
            f"{tenant.code}: {done.looked_at} copies looked at, {done.stale} {verb}, {done.without_copy} entries "
            f"without a copy, {done.forgotten} spellings forgotten."
        )
