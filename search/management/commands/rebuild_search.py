"""``manage.py rebuild_search``: the shell around ``search.indexer.rebuild_search``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from django.core.management.base import CommandParser

from copies.management.tenant_command import TenantCommand
from search.indexer import Rebuilt, rebuild_search
from tenants.models import Tenant


class Command(TenantCommand[Rebuilt]):
    """Updates the search index for all copies."""

    job: ClassVar = "rebuild_search"
    in_progress: ClassVar = "Another rebuild of the search runs now"
    help = (
        "Read again every copy whose search entry is missing, or of another version or release, and remove "
        "entries without a copy. Safe during saves; after an interruption it continues; a second run finds nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the choice to read everything."""
        super().add_arguments(parser)
        parser.add_argument("--all", action="store_true", help="Read up-to-date copies again too.")

    def run_at(self, tenant: Tenant, options: dict[str, Any]) -> Iterator[Rebuilt]:
        """Rebuild the tenant's entries."""
        yield from rebuild_search(tenant, dry_run=options["dry_run"], everything=options["all"])

    def describe(self, done: Rebuilt, options: dict[str, Any]) -> str:
        """Return what was rebuilt."""
        verb = "to read again" if options["dry_run"] else "read again"
        return (
            f"{done.looked_at} copies looked at, {done.stale} {verb}, {done.without_copy} entries without a copy, "
            f"{done.forgotten} spellings forgotten."
        )
