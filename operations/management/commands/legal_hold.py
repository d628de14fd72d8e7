"""Holds a form, or releases it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from copies.models import CopyIndex
from operations.erasure.certificates import UnknownForm
from operations.erasure.legal_holds import MAX_REASON, AlreadyHeld, hold_form, release_form
from tenants.access import system_actor
from tenants.models import Tenant


class Command(BaseCommand):
    """Sets or releases the legal hold of one form."""

    help = "Hold an application form: nothing erases it, neither by age nor on request, until it is released."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the form and the order."""
        parser.add_argument("form", type=UUID, help="The id of the application form.")
        order = parser.add_mutually_exclusive_group(required=True)
        order.add_argument("--reason", help="Why, such as the number of the case; no personal data.")
        order.add_argument("--release", action="store_true", help="End the hold.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Hold or release. Raises ``CommandError``."""
        form_id: UUID = options["form"]
        entry = CopyIndex.objects.filter(application_form_id=form_id).first()
        tenant = Tenant.objects.filter(pk=entry.tenant_id).first() if entry is not None else None
        if tenant is None:
            raise CommandError(f"There is no application form {form_id}.")
        actor = system_actor("legal_hold")
        if options["release"]:
            if not release_form(form_id, tenant=tenant, actor=actor):
                raise CommandError(f"The form {form_id} is not held.")
            self.stdout.write(f"The form {form_id} is released.")
            return
        reason = options["reason"].strip()
        if not 0 < len(reason) <= MAX_REASON:
            raise CommandError(f"--reason needs 1 to {MAX_REASON} characters. The form is not held.")
        try:
            hold_form(form_id, tenant=tenant, actor=actor, reason=reason)
        except (AlreadyHeld, UnknownForm) as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(f"The form {form_id} is held: nothing erases it.")
