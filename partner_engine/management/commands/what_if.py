"""``manage.py what_if CATALOGUE``: what a draft, a release or an answer would change for all open copies."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper
from django.db.models import QuerySet

from catalogue import releases
from catalogue.drafts import read_draft
from catalogue.models import Catalogue, Release
from catalogue.reports import describe_faults
from copies.models import Copy
from decisions.book import Narrow, count_open
from decisions.book_report import BookReport, Sum
from decisions.copy_effect import CopyEffect
from decisions.errors import AnswerNotSupposed
from decisions.report_rows import LINES, RowFormat, csv_header
from decisions.supposition import Supposition
from decisions.what_if import (
    answers_supposition,
    draft_supposition,
    effects_on_book,
    release_supposition,
    start_report,
)
from rules.definition.faults import CatalogueErrors
from search.form_search import search_forms
from tenants.models import Tenant
from tenants.selectors import reachable_tenants

#: Groups of each kind that are printed; the JSON has all of them.
_MOST_PRINTED = 10
_PROGRESS_SECONDS = 2.0


class Command(BaseCommand):
    """Reports what a supposition changes; nothing is saved."""

    help = (
        "Report what publishing the draft of a catalogue would change for every open copy: outcomes, premiums, "
        "questions, quotes. With --release an earlier release, with --answers other answers are supposed instead."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the supposition, the copies and the files."""
        parser.add_argument("catalogue", help="The catalogue's code.")
        parser.add_argument("--release", type=int, help="Number of a release that is supposed to be current.")
        parser.add_argument("--answers", help="JSON object of answers that every copy is supposed to have.")
        parser.add_argument("--tenant", action="append", help="Code of a tenant; all tenants without it. Repeatable.")
        parser.add_argument("--query", default="", help="Only copies that the search finds by these words.")
        parser.add_argument("--workers", type=int, default=0, help="Processes; by default one for each core.")
        parser.add_argument("--json", action="store_true", help="Print the report as JSON.")
        parser.add_argument("--ndjson", type=Path, help="File for one line of JSON for each changed copy.")
        parser.add_argument("--csv", type=Path, help="File for one line of CSV for each changed product of a copy.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Decide and report. Raises ``CommandError`` for what cannot be supposed."""
        supposition = _supposition(options)
        builder = start_report(supposition)
        tenants, narrow = _tenants(options["tenant"]), _narrow(options["query"])
        effects = effects_on_book(supposition, tenants, narrow=narrow, workers=options["workers"])
        progress = _Progress(self.stderr, lambda: count_open(options["catalogue"], tenants, narrow=narrow))
        with _open(options["ndjson"]) as ndjson, _open(options["csv"]) as rows:
            if rows is not None:
                rows.write(csv_header())
            for effect in builder.through(effects):
                progress.note(builder.copies)
                if effect.is_changed or effect.error:
                    _write(ndjson, "ndjson", effect)
                    _write(rows, "csv", effect)
        report = builder.report()
        if options["json"]:
            self.stdout.write(msgspec.json.encode(report).decode())
        else:
            for line in describe_report(report):
                self.stdout.write(line)


class _Progress:
    """Writes how many copies were decided, at most every two seconds; nothing for a small book."""

    def __init__(self, out: OutputWrapper, count: Callable[[], int]) -> None:
        self._out = out
        self._count = count
        self._total: int | None = None
        self._next = time.monotonic() + _PROGRESS_SECONDS

    def note(self, copies: int) -> None:
        """Note that ``copies`` were decided so far."""
        if time.monotonic() < self._next:
            return
        if self._total is None:
            self._total = self._count()
        self._out.write(f"{copies:,} of about {self._total:,} open copies")
        self._next = time.monotonic() + _PROGRESS_SECONDS


def describe_report(report: BookReport) -> Iterator[str]:
    """Yield the lines that sum a report up."""
    yield report.supposed
    yield f"{report.copies:,} open copies looked at, {report.changed:,} changed, {report.decided:,} decided in full."
    if report.unasked:
        yield f"{report.unasked:,} ask none of the questions."
    for reason, count in report.undecidable.items():
        yield f"{count:,} left out: {reason}."
    for flip in report.flips:
        yield f"{flip.product}: {flip.before or 'not requested'} -> {flip.after or 'not requested'}: {flip.count:,}"
    yield (
        f"Premium moved: {report.moved.amount} {report.currency} (repriced {report.repriced.amount}, gained "
        f"{report.gained.amount}, lost {report.lost.amount})"
    )
    if report.spread.count:
        yield f"Each from {report.spread.least} to {report.spread.greatest}, median {report.spread.median}"
    yield from _describe_sums("By state", report.by_state)
    yield from _describe_sums("By industry", report.by_industry)
    yield from _describe_sums("By cause", report.by_cause)
    for title, counts in (
        ("Answers hidden", report.hidden), ("Questions shown", report.shown), ("Quotes stale", report.stale_quotes),
    ):  # fmt: skip
        if counts:
            yield f"{title}: " + ", ".join(f"{code} {count:,}" for code, count in counts.items())
    yield f"Win-back: {report.opened:,} open again, {report.cheaper:,} cheaper"


def _describe_sums(title: str, sums: Mapping[str, Sum]) -> Iterator[str]:
    for key, one in list(sums.items())[:_MOST_PRINTED]:
        yield f"{title}: {key}: {one.amount} ({one.count:,})"
    if len(sums) > _MOST_PRINTED:
        yield f"{title}: {len(sums) - _MOST_PRINTED:,} more with --json"


def _supposition(options: Mapping[str, Any]) -> Supposition:
    code = options["catalogue"]
    catalogue = Catalogue.objects.filter(code=code).first()
    if catalogue is None:
        raise CommandError(f"There is no catalogue {code!r}.")
    if options["release"] is not None and options["answers"] is not None:
        raise CommandError("Suppose a release or answers, not both.")
    try:
        if options["answers"] is not None:
            return answers_supposition(code, _answers(options["answers"]))
        if options["release"] is None:
            return draft_supposition(read_draft(catalogue))
        release = Release.objects.filter(catalogue=catalogue, number=options["release"]).first()
        if release is None:
            raise CommandError(f"Catalogue {code} has no release {options['release']}.")
        return release_supposition(releases.get(release.pk))
    except releases.NoRelease as error:
        raise CommandError(f"{code} was never published: no copy is decided with it.") from error
    except CatalogueErrors as error:
        raise CommandError(f"The draft has faults.\n{describe_faults(error.faults)}") from error
    except AnswerNotSupposed as error:
        raise CommandError("\n".join(f"{place or 'answers'}: {text}" for place, _, text in error.faults)) from error


def _answers(text: str) -> dict[str, object]:
    try:
        answers = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CommandError("--answers is not JSON.") from error
    if not isinstance(answers, dict):
        raise CommandError('--answers must be a JSON object, such as {"deductible": "5000"}.')
    return answers


def _tenants(codes: list[str] | None) -> list[Tenant]:
    tenants = reachable_tenants()
    unknown = set(codes or ()) - {tenant.code for tenant in tenants}
    if unknown:
        raise CommandError(f"There is no tenant {sorted(unknown)[0]!r} here; its code is in the admin.")
    return [tenant for tenant in tenants if not codes or tenant.code in codes]


def _narrow(query: str) -> Narrow | None:
    def narrow(copies: QuerySet[Copy]) -> QuerySet[Copy]:
        # A match would reveal a personal answer, and files are passed on.
        return search_forms(copies, query, personal=False)

    return narrow if query.strip() else None


@contextmanager
def _open(path: Path | None) -> Iterator[TextIO | None]:
    if path is None:
        yield None
        return
    try:
        file = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise CommandError(f"Cannot write {path}: {error.strerror}.") from error
    with file:
        yield file


def _write(file: TextIO | None, format_: RowFormat, effect: CopyEffect) -> None:
    if file is not None:
        file.write(LINES[format_](effect))
