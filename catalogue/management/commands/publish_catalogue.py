"""``manage.py publish_catalogue CODE``: publishes a catalogue's draft as its next release."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalogue.drafts import read_draft
from catalogue.models import Catalogue
from catalogue.publish_work import complete_publish, count_impacts
from catalogue.release_pointer import release_in_force
from catalogue.releases import check_draft, publish, read_definition
from catalogue.reports import describe_faults, describe_warnings
from catalogue.strict_check import check_catalogue
from rules.definition.faults import CatalogueErrors


class Command(BaseCommand):
    """Publishes a draft. A draft with faults is not published: every fault is listed, and the exit code is 1."""

    help = "Publishes the draft of a catalogue: all forms use it from then on. An unchanged draft makes no new release."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the catalogue's code, and the notes and the actor of the release."""
        parser.add_argument("code", help="The catalogue's code.")
        parser.add_argument("--notes", default="", help="What is new; stored with the release.")
        parser.add_argument("--actor", default="command", help="Who publishes; stored with the release.")
        parser.add_argument(
            "--later", action="store_true", help="Leave it to the workers to decide the open copies anew."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Publish the draft and report the current release."""
        code = options["code"]
        catalogue = Catalogue.objects.filter(code=code).first()
        if catalogue is None:
            known = ", ".join(Catalogue.objects.values_list("code", flat=True)) or "none yet"
            raise CommandError(f"There is no catalogue {code!r}. Load it first; the known catalogues are: {known}.")
        before = catalogue.releases.count()
        try:
            for text in self._impacts(catalogue):
                self.stdout.write(f"To do: {text}.")
            release = publish(catalogue, actor_id=options["actor"], notes=options["notes"])
        except CatalogueErrors as error:
            raise CommandError(
                f"The draft has faults; nothing was published.\n{describe_faults(error.faults)}"
            ) from error
        warnings = check_catalogue(read_definition(release)).warnings
        if warnings:
            self.stderr.write(describe_warnings(warnings))
        if release.number > before:
            self.stdout.write(f"Published release {release.number} of {code}; it is now current everywhere.")
            for notice in release.notices:
                self.stdout.write(notice)
            for text in () if options["later"] else complete_publish(release):
                self.stdout.write(text)
        else:
            self.stdout.write(f"The draft equals release {release.number}, which stays current.")

    def _impacts(self, catalogue: Catalogue) -> list[str]:
        """Return what a publish of the draft affects. Raises ``CatalogueErrors`` for a faulty draft."""
        latest, draft = release_in_force(catalogue), read_draft(catalogue)
        if latest is None:
            return []
        check_draft(draft)
        return [impact.text for impact in count_impacts(draft, read_definition(latest))]
