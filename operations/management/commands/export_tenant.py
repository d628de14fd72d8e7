"""Exports a tenant into one archive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from operations.export.archive import ArchiveExists
from operations.export.tenant_export import export_tenant
from tenants.models import Tenant


class Command(BaseCommand):
    """Writes an archive of a tenant."""

    help = "Export a tenant into a zip file with NDJSON per kind, its releases and a manifest. No sensitive answers."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the tenant's code and the file."""
        parser.add_argument("code", help="The code of the tenant.")
        parser.add_argument("file", type=Path, help="The archive to write; it must not exist.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Export, and report each file."""
        tenant = Tenant.objects.filter(code=options["code"]).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {options['code']!r}.")
        try:
            export_tenant(
                tenant, options["file"], report=lambda name, rows: self.stdout.write(f"  {name}: {rows} rows")
            )
        except (ArchiveExists, OSError) as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(f"{tenant.code} is exported to {options['file']}.")
