"""``manage.py golden_cases``: lists the golden cases of a catalogue, or runs them against its draft."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalogue.drafts import read_draft
from catalogue.golden_cases import accept_result, describe, run_cases
from catalogue.models import Catalogue
from catalogue.reports import describe_faults
from catalogue.strict_check import check_catalogue
from rules.definition.faults import CatalogueErrors
from rules.definition.model import CompiledCatalogue


class Command(BaseCommand):
    """Lists cases, runs them, and accepts new results. The exit code of ``run`` is 1 if a case is decided in another
    way than expected.
    """

    help = "Lists the golden cases of a catalogue, runs them against its draft, or accepts a new result."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the order, the catalogue and the case."""
        parser.add_argument("order", choices=("list", "run", "accept"))
        parser.add_argument("code", help="The catalogue's code.")
        parser.add_argument("--name", default="", help="The case whose new result is accepted.")
        parser.add_argument("--actor", default="command", help="Who accepts; stored with the order.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what ``order`` names."""
        catalogue = Catalogue.objects.filter(code=options["code"]).first()
        if catalogue is None:
            raise CommandError(f"There is no catalogue {options['code']!r}.")
        if options["order"] == "list":
            self._list(catalogue)
            return
        try:
            compiled = check_catalogue(read_draft(catalogue)).compiled
        except CatalogueErrors as error:
            raise CommandError(f"The draft has faults.\n{describe_faults(error.faults)}") from error
        if options["order"] == "run":
            self._run(catalogue, compiled)
        else:
            self._accept(catalogue, compiled, name=options["name"], actor_id=options["actor"])

    def _list(self, catalogue: Catalogue) -> None:
        for case in catalogue.golden_cases.all():
            results = "; ".join(f"{code} {describe(one)}" for code, one in case.expectations.items())
            self.stdout.write(f"{case.name} (as of {case.as_of}): {results or 'no product'}")

    def _run(self, catalogue: Catalogue, compiled: CompiledCatalogue) -> None:
        runs = run_cases(catalogue, compiled)
        failed = [run for run in runs if not run.passes]
        for run in failed:
            for difference in run.differences:
                self.stderr.write(f"{run.case.name}: {difference}")
        if failed:
            raise CommandError(f"{len(failed)} of {len(runs)} golden cases are decided in another way than expected.")
        self.stdout.write(f"All {len(runs)} golden cases are decided as expected.")

    def _accept(self, catalogue: Catalogue, compiled: CompiledCatalogue, *, name: str, actor_id: str) -> None:
        case = catalogue.golden_cases.filter(name=name).first()
        if case is None:
            raise CommandError(f"There is no golden case {name!r} in this catalogue.")
        is_new = accept_result(case, compiled, actor_id=actor_id)
        self.stdout.write("The new result is expected from now on." if is_new else "The case passes already.")
