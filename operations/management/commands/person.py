"""Finds, exports and erases the data of one person at one tenant."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from encryption.key_ring import KeyServiceUnavailable
from operations.erasure.certificates import ErasureUnderWay
from operations.persons.identity import Person, UnclearPerson
from operations.persons.person_erasure import Planned, erase_person, plan_erasure
from operations.persons.person_export import export_person
from operations.persons.search import FoundForm, find_forms
from tenants.access import Actor, system_actor
from tenants.models import Tenant


class Command(BaseCommand):
    """Finds a person in the forms of a tenant; exports or erases what there is."""

    help = (
        "Find the forms of a tenant that concern one person, by email, phone, or name and date of birth. Without"
        " --export and --confirm it lists them and what an erasure would do, and changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the tenant, the person and the order."""
        parser.add_argument("tenant", help="The code of the tenant.")
        parser.add_argument("--email", default="")
        parser.add_argument("--phone", default="")
        parser.add_argument("--name", default="", help="The full name; together with --born.")
        parser.add_argument("--born", type=date.fromisoformat, help="The date of birth, as 1980-12-31.")
        parser.add_argument("--keep", type=UUID, action="append", default=[], metavar="FORM",
                            help="The id of a form that concerns another person; may be repeated.")  # fmt: skip
        parser.add_argument("--answers-only", action="store_true", help="Erase answers only, no whole form.")
        parser.add_argument("--export", type=Path, metavar="DIRECTORY", help="Write person.json and person.txt there.")
        parser.add_argument("--confirm", type=int, metavar="FORMS",
                            help="Erase; the number of forms that the list showed.")  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        """List, export or erase. Raises ``CommandError``."""
        tenant, actor = self._tenant(options["tenant"]), system_actor("person")
        try:
            person = Person(
                email=options["email"], phone=options["phone"], name=options["name"], born=options["born"]
            )  # fmt: skip
            forms = find_forms(person, tenant=tenant, actor=actor)
        except (UnclearPerson, KeyServiceUnavailable) as refused:
            raise CommandError(str(refused)) from refused
        planned = plan_erasure(forms, keep=options["keep"], answers_only=options["answers_only"])
        if options["export"] is not None:
            self._export(person, forms, options["export"], tenant, actor)
        if options["confirm"] is None:
            self._list(planned)
            return
        if options["confirm"] != len(planned):
            raise CommandError(f"--confirm must be {len(planned)}, the number of forms. Nothing was erased.")
        self._erase(person, planned, tenant, actor)

    def _tenant(self, code: str) -> Tenant:
        tenant = Tenant.objects.filter(code=code).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {code!r}.")
        return tenant

    def _list(self, planned: list[Planned]) -> None:
        for one in planned:
            self.stdout.write(f"  {one.form.id}  {', '.join(one.form.how)}: {one.plan}")
        self.stdout.write(f"{len(planned)} forms. Add --confirm {len(planned)} to erase; nothing was changed.")

    def _export(
        self, person: Person, forms: list[FoundForm], directory: Path, tenant: Tenant, actor: Actor
    ) -> None:  # fmt: skip
        export = export_person(person, forms, tenant=tenant, actor=actor)
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name, content in (("person.json", export.as_json()), ("person.txt", export.as_text().encode())):
                file = directory / name
                file.touch(mode=0o600, exist_ok=False)
                file.write_bytes(content)
        except OSError as error:
            raise CommandError(f"The export could not be written: {error}") from error
        self.stdout.write(f"Exported to {directory}.")

    def _erase(self, person: Person, planned: list[Planned], tenant: Tenant, actor: Actor) -> None:
        try:
            outcome = erase_person(person, planned, tenant=tenant, actor=actor)
        except ErasureUnderWay as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(f"Certificate {outcome.certificate.pk}:")
        for name, number in sorted(outcome.certificate.counts.items()):
            self.stdout.write(f"  {name}: {number}")
        for stay in outcome.certificate.stays:
            self.stdout.write(f"  {stay['form']} stays: {stay['why']}")
        if outcome.left:
            reasons = "\n".join(f"  {form}: {reason}" for form, reason in outcome.left.items())
            raise CommandError(f"{len(outcome.left)} forms are left. Repeat the command.\n{reasons}")
