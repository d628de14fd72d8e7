"""``manage.py export_catalogue CODE``: writes a catalogue's draft, or one of its releases, as a catalogue file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalogue.case_rows import write_draft
from catalogue.files import write_catalogue
from catalogue.models import Catalogue
from catalogue.releases import read_definition


class Command(BaseCommand):
    """Writes a file that ``load_catalogue`` reads."""

    help = "Writes the draft of a catalogue, or a release of it, as a catalogue file."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the catalogue's code, the release and the file."""
        parser.add_argument("code", help="The catalogue's code.")
        parser.add_argument("--release", type=int, help="Number of a release; without it, the draft.")
        parser.add_argument("--output", type=Path, help="The file to write; without it, the standard output.")

    def handle(self, *args: Any, **options: Any) -> None:
        text = self._text(options["code"], options["release"])
        if options["output"] is None:
            self.stdout.write(text, ending="")
        else:
            options["output"].write_text(text, encoding="utf-8")

    def _text(self, code: str, number: int | None) -> str:
        catalogue = Catalogue.objects.filter(code=code).first()
        if catalogue is None:
            raise CommandError(f"There is no catalogue {code!r}.")
        if number is None:
            return write_draft(catalogue)
        release = catalogue.releases.filter(number=number).first()
        if release is None:
            raise CommandError(f"There is no release {number} of {code!r}; it has {catalogue.releases.count()}.")
        return write_catalogue(read_definition(release))
