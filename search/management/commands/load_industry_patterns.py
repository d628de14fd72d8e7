"""``manage.py load_industry_patterns FILE``: loads how many businesses of each industry a ZIP code has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from search.industry_pattern_file import UnreadablePatterns, read_patterns
from search.industry_patterns import store


class Command(BaseCommand):
    """Replaces the counts that rank industries. A faulty file changes nothing."""

    help = (
        "Load the ZIP Codes Business Patterns of the US Census Bureau (zbp*detail.txt, unzipped), by which the search "
        "for an industry ranks equal matches. Replaces the file loaded before; searches use it at once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the file and the dry run."""
        parser.add_argument("file", type=Path, help="The file, in CSV with a header.")
        parser.add_argument("--dry-run", action="store_true", help="Only check the file; load nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read, store and report."""
        file: Path = options["file"]
        try:
            with file.open(encoding="latin-1", newline="") as lines:
                patterns = read_patterns(lines)
        except OSError as error:
            raise CommandError(f"Cannot read {file}: {error.strerror}.") from error
        except UnreadablePatterns as error:
            raise CommandError(f"{error} Nothing was loaded.") from error
        if not options["dry_run"]:
            store(patterns, name=file.name)
        businesses = sum(sum(of_size.values()) for sizes in patterns.values() for of_size in sizes.values())
        verb = "would be loaded" if options["dry_run"] else "loaded"
        self.stdout.write(f"{businesses:,} businesses in {len(patterns):,} ZIP codes {verb}.")
