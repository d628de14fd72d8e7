"""``manage.py export_history_heads``: the shell around ``copies.verification.heads``."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from copies.management.commands.verify_history import add_scope, tenants_in_scope
from copies.verification import heads


class Command(BaseCommand):
    """Writes the last link of every copy's history."""

    help = (
        "Print the last link of the hash chain of every copy, one JSON object a line. Keep the lines where nobody who "
        "can write to the database can change them; `verify_history --anchors` compares them later."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the scope."""
        add_scope(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one line per copy. Raises ``CommandError`` for an unknown tenant."""
        for tenant in tenants_in_scope(options, self.stderr):
            for copy_id, version, link in heads(tenant, form_id=options["form"]):
                line = {"tenant": tenant.code, "copy": str(copy_id), "version": version, "chain": link}
                self.stdout.write(json.dumps(line))
