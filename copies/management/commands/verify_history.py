"""``manage.py verify_history``: the shell around ``copies.verification``."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper
from django.db import connections

from copies.chain_check import in_words
from copies.verification import verify
from tenants.models import Tenant


def add_scope(parser: CommandParser) -> None:
    """Add the options that name what is read: one form, one tenant, or all."""
    parser.add_argument("--tenant", help="Code of the one tenant whose copies are read; by default all tenants.")
    parser.add_argument("--form", type=UUID, help="Id of the one form whose copies are read.")
    parser.add_argument("--all", action="store_true", help="Read the copies of all tenants, as by default.")


def tenants_in_scope(options: dict[str, Any], stderr: OutputWrapper) -> list[Tenant]:
    """Return the tenants in scope whose database this process is connected to; name the others.

    Raises ``CommandError`` for an unknown tenant.
    """
    tenants = Tenant.objects.order_by("code")
    if options["tenant"]:
        tenants = tenants.filter(code=options["tenant"])
        if not tenants:
            raise CommandError(f"There is no tenant {options['tenant']!r}; its code is in the admin.")
    for tenant in tenants:
        if tenant.database_alias not in connections:
            stderr.write(f"Not read: TENANT_DATABASE_{tenant.database_alias.upper()} is not set.")
    return [tenant for tenant in tenants if tenant.database_alias in connections]


class Command(BaseCommand):
    """Verifies the hash chains of copies."""

    help = (
        "Check that no stored version of any copy was altered, added or removed outside of this product. Names each "
        "version with a fault and its kind; exits with 1 if there is one. With --anchors (lines of "
        "export_history_heads) it also finds versions that were removed at the end, and chains that were made anew."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the scope, the anchors and the form of the report."""
        add_scope(parser)
        parser.add_argument("--anchors", type=Path, help="File with lines of export_history_heads.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object per fault.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify copy by copy. Raises ``CommandError`` where something was altered, or the anchors cannot be read."""
        anchors = _read_anchors(options["anchors"]) if options["anchors"] else {}
        copies = versions = faults = 0
        for tenant in tenants_in_scope(options, self.stderr):
            for verified in verify(tenant, form_id=options["form"], anchors=anchors.get(tenant.code)):
                copies, versions = copies + 1, versions + verified.versions
                faults += len(verified.findings)
                if options["json"]:
                    for finding in verified.findings:
                        known = {"tenant": tenant.code, "copy": str(verified.copy_id), **finding._asdict()}
                        self.stdout.write(json.dumps(known))
                    continue
                for line in in_words(verified.findings):
                    self.stdout.write(f"{tenant.code} copy {verified.copy_id} {line}")
        if faults:
            raise CommandError(f"{faults} faults in {copies} copies with {versions} versions.")
        if not options["json"]:
            self.stdout.write(f"{copies} copies with {versions} versions: nothing was altered.")


def _read_anchors(path: Path) -> dict[str, dict[UUID, dict[int, str]]]:
    """Return the links in the file by tenant, copy and version. Raises ``CommandError``."""
    anchors: dict[str, dict[UUID, dict[int, str]]] = defaultdict(lambda: defaultdict(dict))
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip():
                noted = json.loads(line)
                anchors[noted["tenant"]][UUID(noted["copy"])][int(noted["version"])] = str(noted["chain"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CommandError(f"The anchors in {path} cannot be read: {error}") from error
    return anchors
