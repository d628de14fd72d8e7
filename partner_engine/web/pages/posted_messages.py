"""The posted messages on the right of the form page, with author, time, and place. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from copies.document import find_container
from copies.paths import Path
from partner_engine.web.pages.links import Link, link_to
from partner_engine.web.pages.reading import Reading
from presentation.formats import element_id, moment

_WORDS: Final = {"task": "To do", "warning": "Check", "error": "Problem"}


@dataclass(frozen=True)
class PostedView:
    """One posted message. ``link`` leads to its subject, None if that is not on the page."""

    id: str
    severity: str
    word: str
    text: str
    who: str
    when: str
    link: Link | None


def build_posted(reading: Reading) -> tuple[PostedView, ...]:
    """Return the posted messages of ``reading``, newest first."""
    reader = reading.reader
    return tuple(
        PostedView(
            id=str(row.id),
            severity=row.severity,
            word=_WORDS.get(row.severity, ""),
            text=row.text,
            who=row.author_label or row.author_type,
            when=moment(row.created_at, reader.zone, now=reader.now),
            link=_link(reading, row.path),
        )
        for row in reversed(reading.posted)
    )


def _link(reading: Reading, path: str) -> Link | None:
    answer = reading.answer(path)
    if answer is not None and answer.active:
        return link_to(reading, path)
    place = Path(path)
    is_row = place.is_row and find_container(reading.document, path) is not None
    if is_row and reading.top_set(path) in reading.visible_sets:
        # The title of a row is that of its pool.
        return Link(path, element_id(path), reading.label(place.pool))
    return None
