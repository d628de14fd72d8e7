"""The base of maintenance commands that work through the copies of all tenants: options, progress, report."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, ClassVar, Generic, TypeVar

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from redis_locks.job_mutex import JobMutex
from tenants.models import Tenant

#: The progress of a run at one tenant: a dataclass of counts, among them ``looked_at``.
Progress = TypeVar("Progress")


class TenantCommand(BaseCommand, Generic[Progress]):
    """Runs a job tenant by tenant, never twice at the same time. Subclasses say what it does at one tenant.

    ``job`` is the name of its mutex, ``in_progress`` the sentence while another one has it.
    """

    job: ClassVar[str]
    in_progress: ClassVar[str]

    def run_at(self, tenant: Tenant, options: dict[str, Any]) -> Iterator[Progress]:
        """Do the work at ``tenant``; yield the progress, at least once."""
        raise NotImplementedError

    def describe(self, done: Progress, options: dict[str, Any]) -> str:
        """Return what was done at one tenant, in words."""
        raise NotImplementedError

    def conclude(self, results: Sequence[Progress], *, unreachable: int) -> None:
        """Raise ``CommandError`` if something was left; ``unreachable`` tenants have a database that is not set."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options of every such command."""
        parser.add_argument("--tenant", help="Code of the one tenant whose copies are looked at.")
        parser.add_argument("--dry-run", action="store_true", help="Count, and change nothing.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object per tenant, at its end.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run tenant by tenant and report progress. Raises ``CommandError`` while another run goes on."""
        tenants = Tenant.objects.order_by("code")
        if options["tenant"]:
            tenants = tenants.filter(code=options["tenant"])
            if not tenants:
                raise CommandError(f"There is no tenant {options['tenant']!r}; its code is in the admin.")
        results, unreachable = [], 0
        with JobMutex(self.job) as is_ours:
            if not is_ours:
                raise CommandError(f"{self.in_progress}; nothing was done. See `manage.py locks`.")
            for tenant in tenants:
                if tenant.database_alias not in connections:
                    self.stderr.write(f"Not looked at: TENANT_DATABASE_{tenant.database_alias.upper()} is not set.")
                    unreachable += 1
                    continue
                results.append(self._report(tenant, options))
        self.conclude(results, unreachable=unreachable)

    def _report(self, tenant: Tenant, options: dict[str, Any]) -> Progress:
        done: Any = None
        for done in self.run_at(tenant, options):
            if not options["json"]:
                self.stderr.write(f"{tenant.code}: {done.looked_at} copies looked at ...", ending="\r")
        if options["json"]:
            self.stdout.write(json.dumps({"tenant": tenant.code, **asdict(done), "dry_run": options["dry_run"]}))
        else:
            self.stdout.write(f"{tenant.code}: {self.describe(done, options)}")
        found: Progress = done
        return found
