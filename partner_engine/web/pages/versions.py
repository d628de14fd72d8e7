"""One version of a copy in its history. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from copies.changes import Change, outside_title
from copies.paths import Path
from partner_engine.web.pages.products import link_to
from partner_engine.web.pages.reading import Reading
from presentation.formats import moment
from presentation.visibility import UNKNOWN, Visibility

#: The number of changes that are listed for a version.
LISTED: Final = 12
_SOURCES: Final = {
    "web": "in the browser",
    "api": "through the API",
    "admin": "in the admin",
    "job": "by the system",
    "release": "because of a new release",
    "day": "because of a new day",
}


@dataclass(frozen=True)
class ChangeLine:
    """One change of a version."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Version:
    """One saved version."""

    number: int
    by: str
    source: str
    at: str
    at_exactly: str
    changes: tuple[ChangeLine, ...]
    more: int


def build_version(  # noqa: PLR0913 - the fields of a revision
    reading: Reading,
    changes: Iterable[Change],
    *,
    visibility: Visibility,
    number: int,
    by: str,
    source: str,
    at: datetime,
) -> Version:
    """Return a version with what people changed in it; what rules made of that is left out. ``visibility`` is the
    reader's for the values of that time.
    """
    shown = [change for change in changes if change.cause.type != "rule"]
    lines = [line for change in shown if (line := _line(reading, change, visibility))]
    return Version(
        number=number,
        by=by,
        source=_SOURCES.get(source, source),
        at=moment(at, reading.reader.zone, now=reading.reader.now),
        at_exactly=at.isoformat(),
        changes=tuple(lines[:LISTED]),
        more=max(0, len(lines) - LISTED),
    )


def _line(reading: Reading, change: Change, visibility: Visibility) -> ChangeLine | None:
    path = Path(change.path)
    if change.confirmed and change.before == change.after:
        return ChangeLine(link_to(reading, change.path).text, "", "confirmed as right")
    # A sensitive answer that was given again is listed: its absence would tell that it is the same.
    if path.is_question_set or (change.before == change.after and not change.tag):
        return None
    if not path.is_in_document:
        return ChangeLine(outside_title(change.path), str(change.before or ""), str(change.after or "–"))
    known = reading.catalogue.questions.get(path.code)
    if known is None and visibility.of(path) is UNKNOWN:
        return ChangeLine(path.code, *visibility.change_texts(change))
    if known is None:
        pool = reading.catalogue.pools.get(path.pool) if path.is_row else None
        title = reading.catalogue.sets[pool.set_code].question_set.title if pool else change.path
        return ChangeLine(title, "", "row removed" if change.after is None else "row added")
    before, after = visibility.change_texts(change)
    return ChangeLine(link_to(reading, change.path).text, "" if change.before in (None, "", []) else before, after)
