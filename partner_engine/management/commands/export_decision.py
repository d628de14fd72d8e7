"""``manage.py export_decision``: the shell around ``partner_engine.decision_export``."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser

from batch import service as batch
from batch.errors import BatchError
from partner_engine.audit import note_personal_read
from partner_engine.decision_export import export_decision
from tenants.access import Actor, Right
from tenants.models import Tenant

_RIGHTS = frozenset({Right.READ_FORMS, Right.READ_PERSONAL, Right.READ_CATALOGUE})
_ACTOR = Actor(type="system", id="export_decision", source="job", rights=_RIGHTS)


class Command(BaseCommand):
    """Writes the decision of one version."""

    help = "Print the decision of a copy's version as JSON, with its personal answers, for verify_decision.py."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add tenant, copy and version."""
        parser.add_argument("tenant", help="Code of the tenant.")
        parser.add_argument("copy", type=UUID, help="Id of the copy.")
        parser.add_argument("--at-version", type=int, help="The version; by default the present one.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the decision. Raises ``CommandError`` if nothing can be exported."""
        tenant = Tenant.objects.filter(code=options["tenant"]).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {options['tenant']!r}; its code is in the admin.")
        try:
            context = batch.find(
                options["copy"], scope=tenant, actor=_ACTOR, archived=True, version=options["at_version"]
            )
            exported = export_decision(context)
        except BatchError as error:
            raise CommandError(str(error)) from error
        note_personal_read(actor=_ACTOR, copy_id=context.copy.id, count=exported.personal)
        self.stdout.write(msgspec.json.encode(exported.decision).decode())
