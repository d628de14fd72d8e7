"""Erases one application form for good."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from copies.models import CopyIndex
from operations.erasure.certificates import ErasureRefused
from operations.erasure.form_erasure import erase_form
from tenants.access import system_actor
from tenants.models import Tenant


class Command(BaseCommand):
    """Erases one form of a tenant; a second run goes on where a killed one stopped."""

    help = "Erase an application form with all copies, versions and keys for good; prints a certificate of counts."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the form's id, twice."""
        parser.add_argument("form", type=UUID, help="The id of the application form.")
        parser.add_argument("--confirm", type=UUID, required=True, metavar="ID", help="The id again.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Erase, and print the certificate."""
        form_id = options["form"]
        if options["confirm"] != form_id:
            raise CommandError("--confirm must repeat the id of the form. Nothing was erased.")
        entry = CopyIndex.objects.filter(application_form_id=form_id).first()
        tenant = Tenant.objects.filter(pk=entry.tenant_id).first() if entry is not None else None
        if tenant is None:
            raise CommandError(f"There is no application form {form_id}.")
        try:
            certificate = erase_form(form_id, tenant=tenant, actor=system_actor("erase_form"))
        except ErasureRefused as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(f"The form is erased. Certificate {certificate.pk}:")
        for table, rows in sorted(certificate.counts.items()):
            self.stdout.write(f"  {table}: {rows}")
