"""``manage.py erase_keys``: the shell around ``batch.key_erasure``."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from batch.errors import BatchError
from batch.key_erasure import erase_keys
from copies.models import CopyIndex
from tenants.access import system_actor
from tenants.models import Tenant


class Command(BaseCommand):
    """Erases the keys of one form."""

    help = (
        "Erase the keys of a form's sensitive answers: no version of them can be read again, not even by us. The "
        "answers are asked for again. This cannot be undone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the form, the reason and the confirmation."""
        parser.add_argument("form", type=UUID, help="The id of the form, or of one of its copies.")
        parser.add_argument("--reason", required=True, help="The reason, in at least 10 characters; it is logged.")
        parser.add_argument("--confirm", type=UUID, help="The same id again: nothing is erased without it.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Erase the keys. Raises ``CommandError``, also without the confirmation."""
        form_id: UUID = options["form"]
        index = CopyIndex.objects.filter(pk=form_id).first()
        index = index or CopyIndex.objects.filter(application_form_id=form_id).first()
        if index is None:
            raise CommandError(f"No form or copy has the id {form_id}.")
        if options["confirm"] != form_id:
            raise CommandError(f"This cannot be undone. Add --confirm {form_id} to erase the keys of this form.")
        tenant = Tenant.objects.get(pk=index.tenant_id)
        actor = system_actor("erase_keys")
        try:
            erased = erase_keys(form_id, scope=tenant, actor=actor, reason=options["reason"])
        except BatchError as error:
            raise CommandError(f"{error} Run the command again for what is left.") from error
        self.stdout.write(f"Erased the keys of {erased.copies} copies, with {erased.answers} sensitive answers.")
