"""What publishing a draft would change for the open copies, with its money, on the page before a publish."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from decisions.book import count_open, reachable_tenants
from decisions.book_report import BookReport
from decisions.what_if import MOST_AT_ONCE, draft_supposition, report_on_book
from rules.definition.catalogue import CatalogueDefinition

#: Rows of each table on the page.
_MOST_SHOWN: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class BookImpact:
    """The report on the first open copies, and the number of all of them."""

    report: BookReport
    total: int

    @property
    def is_partial(self) -> bool:
        """Return whether there are more open copies than the page decides."""
        return self.total > MOST_AT_ONCE

    @property
    def groups(self) -> list[tuple[str, list[tuple[str, Any]]]]:
        """Return the largest sums of each kind, with the titles of their tables."""
        report = self.report
        found = (
            ("By cause", report.by_cause),
            ("By state", report.by_state),
            ("By industry", report.by_industry),
        )
        return [(title, list(sums.items())[:_MOST_SHOWN]) for title, sums in found if sums]

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


def impact_on_book(draft: CatalogueDefinition) -> BookImpact:
    """Return what publishing ``draft``, which has no faults, would change for the first open copies of all tenants."""
    tenants = reachable_tenants()
    total = count_open(draft.code, tenants)
    report = report_on_book(draft_supposition(draft), tenants, workers=1, most=MOST_AT_ONCE)
    return BookImpact(report=report, total=total)
