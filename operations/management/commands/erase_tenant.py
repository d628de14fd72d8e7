"""Erases a tenant for good."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from operations.erasure.certificates import ErasureRefused
from operations.erasure.tenant_erasure import erase_tenant
from tenants.access import system_actor
from tenants.models import Tenant


class Command(BaseCommand):
    """Erases a tenant; a second run goes on where a killed one stopped."""

    help = "Erase a tenant with all its data, people and API clients for good; prints a certificate of counts."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the tenant's code, twice."""
        parser.add_argument("code", help="The code of the tenant.")
        parser.add_argument("--confirm", required=True, metavar="CODE", help="The code again.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Erase, and print the certificate."""
        tenant = Tenant.objects.filter(code=options["code"]).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {options['code']!r}.")
        if options["confirm"] != tenant.code:
            raise CommandError("--confirm must repeat the code of the tenant. Nothing was erased.")
        try:
            certificate = erase_tenant(
                tenant,
                actor=system_actor("erase_tenant"),
                report=lambda table, rows: self.stdout.write(f"  {table}: {rows} rows"),
            )
        except ErasureRefused as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(f"{certificate.tenant_code} is erased. Certificate {certificate.pk}:")
        for table, rows in sorted(certificate.counts.items()):
            self.stdout.write(f"  {table}: {rows}")
