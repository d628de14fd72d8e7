"""``manage.py rule_coverage CODE``: what golden cases, open copies and recorded decisions use of a draft."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalogue.drafts import read_draft
from catalogue.models import Catalogue
from catalogue.reports import describe_faults
from catalogue.strict_check import check_catalogue
from decisions.coverage import MOST_READ, coverage_of
from rules.definition.faults import CatalogueErrors


class Command(BaseCommand):
    """Prints one line for each part of the draft, those that nothing covers first."""

    help = "Shows which rules, branches, outcomes and rates of a draft nothing covers."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the catalogue's code, and the limits."""
        parser.add_argument("code", help="The catalogue's code.")
        parser.add_argument("--most", type=int, default=MOST_READ, help="Open copies and recorded decisions to read.")
        parser.add_argument("--all", action="store_true", help="Show also what is covered.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compute and print."""
        catalogue = Catalogue.objects.filter(code=options["code"]).first()
        if catalogue is None:
            raise CommandError(f"There is no catalogue {options['code']!r}.")
        try:
            compiled = check_catalogue(read_draft(catalogue)).compiled
        except CatalogueErrors as error:
            raise CommandError(f"The draft has faults.\n{describe_faults(error.faults)}") from error
        report = coverage_of(catalogue, compiled, most=max(options["most"], 0))
        read = ", ".join(f"{count:,} {name}" for name, count in report.decisions.items())
        self.stdout.write(f"{len(report.untouched)} of {len(report.items)} parts are covered by nothing ({read}).")
        for one in report.items:
            if one.missing or options["all"]:
                counts = "; ".join(f"{name}: {text}" for name, text in one.texts.items())
                lacks = "nothing" if one.is_untouched else "half" if one.missing else "covered"
                self.stdout.write(f"{lacks}: {one.item.place} [{one.item.text}] {counts}")
