"""``manage.py appetite_table CODE``: writes which products want which industry in which state."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from catalogue import releases
from catalogue.models import Catalogue
from rules.definition.model import CompiledCatalogue
from rules.flow.appetite_table import appetite_table


class _Writable(Protocol):
    """The standard output, or a file."""

    def write(self, text: str, /) -> object:
        """Write ``text``."""


class Command(BaseCommand):
    """Writes one line for each industry and state, with a column for each product: yes, no, or depends."""

    help = "Write the appetite of a release as CSV: industries by states, with a column for each product."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the catalogue's code, the release and the file."""
        parser.add_argument("code", help="The catalogue's code.")
        parser.add_argument("--release", type=int, help="Number of a release; without it, the current one.")
        parser.add_argument("--as-of", type=date.fromisoformat, help="The day, as 2026-12-31; without it, today.")
        parser.add_argument("--output", type=Path, help="The file to write; without it, the standard output.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the table."""
        catalogue = self._release(options["code"], options["release"])
        as_of = options["as_of"] or timezone.localdate()
        if options["output"] is None:
            self.stdout.ending = ""
            _write(self.stdout, catalogue, as_of)
            return
        with options["output"].open("w", encoding="utf-8", newline="") as file:
            _write(file, catalogue, as_of)

    def _release(self, code: str, number: int | None) -> CompiledCatalogue:
        catalogue = Catalogue.objects.filter(code=code).first()
        if catalogue is None:
            raise CommandError(f"There is no catalogue {code!r}.")
        if number is None:
            try:
                return releases.current(code).compiled
            except releases.NoRelease as error:
                raise CommandError(f"{code!r} has no release yet: publish it first.") from error
        release = catalogue.releases.filter(number=number).first()
        if release is None:
            raise CommandError(f"There is no release {number} of {code!r}; it has {catalogue.releases.count()}.")
        return releases.get(release.id).compiled


def _write(file: _Writable, catalogue: CompiledCatalogue, as_of: date) -> None:
    writer = csv.writer(file)
    writer.writerow(["industry", "title", "state", *catalogue.products])
    for row in appetite_table(catalogue, as_of=as_of):
        writer.writerow([row.industry, row.title, row.state, *(row.wanted[code] for code in catalogue.products)])
