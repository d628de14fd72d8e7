"""The quotes of all forms, in tabs: running, referred, stale, failed, expiring, all. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from partner_engine.web.pages.quote_rows import QuoteRowView

#: How soon a quote must end to be listed as expiring.
SOON: Final = timedelta(days=7)
#: The code, the label and the empty state of each tab.
TABS: Final = (
    ("running", "Running", "No carrier is working on a quote right now."),
    ("referred", "Referred", "No underwriter has a quote of yours."),
    ("stale", "Stale", "No quote is stale: all are about the present answers."),
    ("failed", "Failed", "No request has failed."),
    ("expiring", "Expiring", "No quote ends within a week."),
    ("all", "All", "No quotes yet. Request them from a form that is ready."),
)
STATES: Final[Mapping[str, tuple[str, ...]]] = {
    "running": ("queued", "submitted", "estimated"),
    "referred": ("referred",),
    "stale": ("stale",),
    "failed": ("failed", "blocked"),
    "expiring": ("estimated", "quoted", "selected"),
}


@dataclass(frozen=True)
class QuoteTab:
    """One tab with the number of its quotes."""

    code: str
    label: str
    number: int
    current: bool


@dataclass(frozen=True, kw_only=True)
class QuoteList:
    """One page of the quotes of all forms."""

    tabs: tuple[QuoteTab, ...]
    rows: tuple[QuoteRowView, ...]
    again: tuple[str, ...]
    empty: str
    tab: str

    @property
    def counts(self) -> str:
        """Return the numbers of the tabs in one line, which the page announces when they change."""
        return ", ".join(f"{tab.number} {tab.label.lower()}" for tab in self.tabs)


def build_list(rows: tuple[QuoteRowView, ...], numbers: Mapping[str, int], tab: str) -> QuoteList:
    """Return the list with ``rows``, which the tab ``tab`` shows; ``numbers`` are the numbers of all tabs."""
    return QuoteList(
        tabs=tuple(QuoteTab(code, label, numbers.get(code, 0), code == tab) for code, label, _ in TABS),
        rows=rows,
        again=tuple(row.id for row in rows if row.order == "ask-again" and row.code in ("stale", "expired", "failed")),
        empty=next(text for code, _, text in TABS if code == tab),
        tab=tab,
    )
