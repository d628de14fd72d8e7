"""What publishing a draft would change for the open copies, with its money, on the page before a publish."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from decisions.book import count_open
from decisions.book_report import BookReport, Sum
from decisions.report_rows import csv_header, csv_lines
from decisions.what_if import MOST_AT_ONCE, draft_supposition, effects_on_book, report_on_book
from presentation.formats import industry
from rules.definition.catalogue import CatalogueDefinition
from tenants.selectors import reachable_tenants

#: Open copies that the page decides: the first of them at once, more when they are requested.
STEPS: Final = (MOST_AT_ONCE, 2_000, 5_000)
#: Rows of each table on the page.
_MOST_SHOWN: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class BookImpact:
    """The report on the first open copies, and the number of all of them."""

    report: BookReport
    total: int
    most: int = MOST_AT_ONCE

    @property
    def is_partial(self) -> bool:
        """Return whether there are more open copies than the page decides."""
        return self.total > self.most

    @property
    def more_steps(self) -> list[int]:
        """Return the larger numbers of copies that the page can decide, as far as there are as many."""
        larger = [step for step in STEPS if step > self.most]
        return [step for place, step in enumerate(larger) if not place or larger[place - 1] < self.total]

    @property
    def moved(self) -> list[tuple[str, str, int]]:
        """Return the sums of repriced, gained and lost products, and of all, with the numbers of products."""
        report = self.report
        parts = (
            ("Repriced", report.repriced),
            ("Gained", report.gained),
            ("Lost", report.lost),
            ("Premium moved in all", report.moved),
        )
        return [(title, signed(one.amount), one.count) for title, one in parts]

    @property
    def groups(self) -> list[tuple[str, list[tuple[str, str, int]]]]:
        """Return the largest sums of each kind with the titles of their tables, and the sum of all others, so that each
        table adds up to the whole.
        """
        report = self.report
        found = (
            ("By product", report.by_product),
            ("By cause", report.by_cause),
            ("By state", report.by_state),
            ("By industry", {industry(code): one for code, one in report.by_industry.items()}),
        )
        return [(title, list(_rows(sums))) for title, sums in found if sums]

    @property
    def counts(self) -> list[tuple[str, str]]:
        """Return the counts of questions and quotes as sentences of two parts."""
        report = self.report
        found = (
            ("Answers that would be hidden", report.hidden),
            ("Questions that would be asked anew", report.shown),
            ("Quotes that would be stale", report.stale_quotes),
            ("Copies left out", report.undecidable),
        )
        return [
            (title, ", ".join(f"{code} ({count:,})" for code, count in list(counts.items())[:_MOST_SHOWN]))
            for title, counts in found
            if counts
        ]


def signed(amount: str) -> str:
    """Return an amount as money with its sign: ``+1,240.00``."""
    return f"{Decimal(amount):+,.2f}"


def _rows(sums: Mapping[str, Sum]) -> Iterator[tuple[str, str, int]]:
    rows = list(sums.items())
    for key, one in rows[:_MOST_SHOWN]:
        yield key, signed(one.amount), one.count
    others = [one for _, one in rows[_MOST_SHOWN:]]
    if others:
        amount = sum(Decimal(one.amount) for one in others)
        yield f"{len(others):,} others", signed(str(amount)), sum(one.count for one in others)


def impact_on_book(draft: CatalogueDefinition, *, most: int = MOST_AT_ONCE) -> BookImpact:
    """Return what publishing ``draft``, which has no faults, would change for the first ``most`` open copies of all
    tenants.
    """
    tenants = reachable_tenants()
    total = count_open(draft.code, tenants)
    report = report_on_book(draft_supposition(draft), tenants, workers=1, most=most)
    return BookImpact(report=report, total=total, most=most)


def impact_lines(draft: CatalogueDefinition, *, most: int) -> Iterator[str]:
    """Yield the CSV of every changed product of the first ``most`` open copies, line by line with its head."""
    yield csv_header()
    for effect in effects_on_book(draft_supposition(draft), reachable_tenants(), workers=1, most=most):
        if effect.is_changed or effect.error:
            yield csv_lines(effect)


def most_copies(requested: str) -> int:
    """Return the number of copies of a request: one of ``STEPS``, the first of them for anything else."""
    return next((step for step in STEPS if requested == str(step)), STEPS[0])
