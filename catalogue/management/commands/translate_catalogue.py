"""``manage.py translate_catalogue SOURCE``: turns a catalogue of the older notation into a catalogue file."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalogue.files import write_catalogue
from catalogue.reports import describe_faults
from catalogue.translation import Hints, translate
from rules.definition.faults import CatalogueErrors

_HELP = {
    "title": "Title of the catalogue.",
    "title_question": "Question that names the insured.",
    "industry_question": "Question for the industry code that naics() reads.",
    "lines_question": "Question for the requested lines that has() reads.",
    "mailing_state": "Question for the state that is used while there are no locations.",
    "locations": "Pool whose states are compared with the products' states.",
    "payroll": "Question whose amount the class rates multiply.",
    "experience": "Question that multiplies the class rates.",
}


class Command(BaseCommand):
    """Translates a file and loads nothing. Faults are all listed, and the exit code is 1."""

    help = "Translates a catalogue in the older, Python-like notation into a catalogue file (conditions in CEL)."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the source, the file to write, and names that the source does not contain."""
        parser.add_argument("source", type=Path, help="The catalogue in the older notation.")
        parser.add_argument("--output", type=Path, help="The file to write; without it, the standard output.")
        for hint in fields(Hints):
            option = f"--{hint.name.replace('_', '-')}"
            parser.add_argument(option, default="", help=f"{_HELP[hint.name]} Without it, taken from the source.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Translate and write the file."""
        source: Path = options["source"]
        try:
            text = source.read_text(encoding="utf-8-sig")
            definition = translate(text, Hints(**{hint.name: options[hint.name] for hint in fields(Hints)}))
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"Cannot read {source}: {error}.") from error
        except CatalogueErrors as error:
            raise CommandError(f"{source} cannot be translated.\n{describe_faults(error.faults)}") from error
        if options["output"] is None:
            self.stdout.write(write_catalogue(definition), ending="")
        else:
            options["output"].write_text(write_catalogue(definition), encoding="utf-8")
