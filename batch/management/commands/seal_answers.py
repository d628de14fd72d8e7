"""``manage.py seal_answers``: the shell around ``batch.sealing_run``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from django.core.management.base import CommandError

from batch.sealing_run import Sealed, seal_tenant
from copies.management.tenant_command import TenantCommand
from tenants.models import Tenant


class Command(TenantCommand[Sealed]):
    """Seals values that were stored before their question became secret."""

    job: ClassVar = "seal_answers"
    in_progress: ClassVar = "Another sealing run is in progress"
    help = (
        "Encrypt the values that copies, their earlier versions and stored events still hold in plain text because "
        "their question became secret (spi) later. Publishing such a release asks for this run. Safe during saves; "
        "after an interruption it continues; a second run finds nothing."
    )

    def run_at(self, tenant: Tenant, options: dict[str, Any]) -> Iterator[Sealed]:
        """Seal the tenant's open values."""
        yield from seal_tenant(tenant, dry_run=options["dry_run"])

    def describe(self, done: Sealed, options: dict[str, Any]) -> str:
        """Return what was sealed."""
        verb = "to seal" if options["dry_run"] else "sealed"
        return (
            f"{done.looked_at} copies looked at, {done.values} values {verb} in {done.copies} copies, "
            f"{done.revisions} earlier versions, {done.events} events."
        )

    def conclude(self, results: Sequence[Sealed], *, unreachable: int) -> None:
        """Raise ``CommandError`` where copies were in use all the time."""
        left = sum(done.left for done in results)
        if left:
            raise CommandError(f"{left} copies could not be sealed because they were in use. Run the command again.")
