"""``manage.py load_catalogue FILE``: checks a catalogue file and replaces the catalogue's draft with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalogue.case_rows import CaseChanges, load_cases
from catalogue.files import CatalogueFile, read_file, write_catalogue
from catalogue.golden_cases import TooManyCases
from catalogue.loader import load
from catalogue.reports import count_parts, describe_faults, describe_parts, describe_warnings, fault_data
from catalogue.translation import is_older_notation, translate
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.faults import CatalogueErrors, CatalogueFault


def _read(file: Path) -> CatalogueFile:
    """Return the catalogue in ``file``; the older notation is translated first."""
    text = file.read_bytes().decode("utf-8-sig", errors="replace")
    # The translation is checked like a file, so that its conditions are compiled too.
    return read_file(write_catalogue(translate(text)) if is_older_notation(text) else file)


class Command(BaseCommand):
    """Loads a file as a draft. A file with faults changes nothing: every fault is listed, and the exit code is 1."""

    help = (
        "Checks a catalogue file (see docs/catalogue.md) and replaces the draft of its catalogue; does not publish it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the file and the two switches."""
        parser.add_argument("file", type=Path, help="The catalogue file, in YAML.")
        parser.add_argument("--dry-run", action="store_true", help="Only check the file; load nothing.")
        parser.add_argument(
            "--json", action="store_true", help="Write the result, or the faults, as JSON to the standard output."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Check and load the file, and report the result."""
        file: Path = options["file"]
        try:
            read = _read(file)
        except OSError as error:
            raise CommandError(f"Cannot read {file}: {error.strerror}. Name a catalogue file.") from error
        except CatalogueErrors as error:
            self._refuse(error, file, as_json=options["json"])
        changes = CaseChanges()
        if not options["dry_run"]:
            catalogue = load(read.definition)
            try:
                changes = load_cases(catalogue, read.definition, read.cases, actor_id="load_catalogue")
            except TooManyCases as error:
                raise CommandError(f"The draft was loaded, its golden cases were not. {error}") from error
        self._report(read.definition, read.warnings, file, options)
        if read.cases and not options["json"]:
            self.stdout.write(f"Golden cases in the file: {len(read.cases)} ({changes}).")

    def _refuse(self, error: CatalogueErrors, file: Path, *, as_json: bool) -> None:
        faults = error.faults
        total = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        sentence = f"{total} in {file}; nothing was loaded."
        if as_json:
            data = {
                "file": str(file),
                "loaded": False,
                "faults": [fault_data(fault, file=str(file)) for fault in faults],
                "warnings": [],
            }
            self.stdout.write(json.dumps(data, ensure_ascii=False, indent=2))
            raise CommandError(sentence) from error
        raise CommandError(f"{sentence}\n{describe_faults(faults, file=str(file))}") from error

    def _report(
        self, definition: CatalogueDefinition, warnings: list[CatalogueFault], file: Path, options: dict[str, Any]
    ) -> None:
        loaded = not options["dry_run"]
        if options["json"]:
            counts = {name.replace(" ", "_"): count for name, count in count_parts(definition).items()}
            data = {
                "file": str(file),
                "loaded": loaded,
                "faults": [],
                "warnings": [fault_data(warning, file=str(file)) for warning in warnings],
                "code": definition.code,
                "parts": counts,
            }
            self.stdout.write(json.dumps(data, ensure_ascii=False, indent=2))
            return
        done = "Loaded" if loaded else "Nothing was loaded; there are no faults in"
        self.stdout.write(f"{done} {definition.code} ({definition.title}): {describe_parts(definition)}.")
        if warnings:
            self.stderr.write(describe_warnings(warnings, file=str(file)))
        if loaded:
            self.stdout.write(f"It is a draft until it is published: manage.py publish_catalogue {definition.code}")
