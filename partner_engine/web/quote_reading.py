"""The grid of one form's quotes, as the reader of its page may see it."""

from __future__ import annotations

from partner_engine.web.pages.quote_grid import GridSource, QuoteGrid, build_grid
from partner_engine.web.pages.quote_rows import RowSource
from partner_engine.web.pages.quote_states import Clock
from partner_engine.web.pages.reading import Reading
from partner_engine.web.pages.shell import Shell
from partner_engine.web.quote_records import conditions_left, requests_of_copies


def grid_of(reading: Reading, shell: Shell, *, all_copies: bool) -> QuoteGrid:
    """Return the grid of the copy in ``reading``, or of all copies of its form."""
    clock = Clock(reading.reader.zone, reading.reader.now)
    copies = [tab.id for tab in shell.tabs]
    requests = requests_of_copies(copies, today=clock.today) if all_copies else reading.quotes
    rows = RowSource(
        catalogue=reading.catalogue,
        clock=clock,
        may_write=reading.is_writable,
        titles={tab.id: tab.title for tab in shell.tabs} if all_copies else {},
        left_to_do=conditions_left(found.id for found in requests),
    )
    return build_grid(GridSource(reading=reading, rows=rows, requests=requests, all_copies=all_copies))
