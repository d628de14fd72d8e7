"""Links to places on the form page. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from copies.document import row_number
from copies.paths import Path
from partner_engine.web.pages.reading import Reading
from presentation.formats import element_id


@dataclass(frozen=True)
class Link:
    """A link to a place on the form page."""

    path: str
    id: str
    text: str


def link_to(reading: Reading, path: str) -> Link:
    """Return a link to the question or pool at ``path``. Its text names the row of a nested place."""
    label, row = reading.label(path), next(Path(path).rows_around(), "")
    pool = reading.catalogue.pools.get(Path(row).pool)
    if pool and len(reading.document.answer_pools.get(pool.pool.code, ())) > 1:
        title = reading.catalogue.sets[pool.set_code].question_set.title
        label = f"{label} ({title} {row_number(reading.document, row)})"
    return Link(path, element_id(path), label)
