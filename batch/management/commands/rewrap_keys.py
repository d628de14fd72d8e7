"""``manage.py rewrap_keys``: the shell around ``batch.key_rotation``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from batch.key_rotation import Rotated, renew_copy_keys, rewrap_tenant
from encryption.key_ring import KeyServiceUnavailable
from redis_locks.job_mutex import JobMutex
from tenants.models import Tenant


class Command(BaseCommand):
    """Wraps stored keys with the present key, or gives copies new data keys."""

    help = (
        "Wrap the data keys of all copies with the present key of the key service, and seal webhook secrets under the "
        "newest master key; afterwards older master keys are needed only for responses of the last 24 hours. With "
        "--new-copy-keys, give each copy a new data key instead. Safe during saves; after an interruption it continues."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options of every maintenance command, the tenant and the kind of rotation."""
        parser.add_argument("--tenant", help="Code of the one tenant whose keys are rotated.")
        parser.add_argument(
            "--new-copy-keys", action="store_true", help="Make new data keys; earlier versions keep the earlier ones."
        )
        parser.add_argument("--dry-run", action="store_true", help="Count, and change nothing.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object per tenant, at its end.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Rotate tenant by tenant and report progress. Raises ``CommandError`` while another run goes on, without the
        key service, and where copies were left.
        """
        tenants = Tenant.objects.order_by("code")
        if options["tenant"]:
            tenants = tenants.filter(code=options["tenant"])
            if not tenants:
                raise CommandError(f"No tenant has the code {options['tenant']!r}; the codes are in the admin.")
        left = unreadable = 0
        with JobMutex("rewrap_keys") as is_ours:
            if not is_ours:
                raise CommandError("Another rotation is in progress; nothing was done. See `manage.py locks`.")
            for tenant in tenants:
                if tenant.database_alias not in connections:
                    self.stderr.write(f"Not looked at: TENANT_DATABASE_{tenant.database_alias.upper()} is not set.")
                    left += 1
                    continue
                try:
                    done = self._rotate(tenant, options)
                except KeyServiceUnavailable as error:
                    raise CommandError(f"{tenant.code}: {error} What was done stays; run the command again.") from error
                left += done.left
                unreadable += done.unreadable
        if left or unreadable:
            raise CommandError(
                f"{left} copies or databases were left and {unreadable} copies have keys that do not open; the log"
                " names them. Keep every older master key, and run the command again."
            )

    def _rotate(self, tenant: Tenant, options: dict[str, Any]) -> Rotated:
        run = renew_copy_keys if options["new_copy_keys"] else rewrap_tenant
        done = Rotated()
        for done in run(tenant, dry_run=options["dry_run"]):
            if not options["json"]:
                self.stderr.write(f"{tenant.code}: {done.looked_at} copies looked at ...", ending="\r")
        if options["json"]:
            self.stdout.write(json.dumps({"tenant": tenant.code, **asdict(done), "dry_run": options["dry_run"]}))
            return done
        verb = "to change" if options["dry_run"] else "changed"
        self.stdout.write(
            f"{tenant.code}: {done.looked_at} copies with keys; {verb}: {done.rewrapped} wrapped anew, {done.renewed}"
            f" with new data keys, {done.secrets} webhook endpoints."
        )
        return done
