"""One version of a copy in its history. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from copies.changes import Change, beside_title, is_beside_document
from copies.document import AnswerValue
from partner_engine.web.pages.products import link_to
from partner_engine.web.pages.reading import Reading
from presentation.formats import moment, reading_text

#: The number of changes that are listed for a version.
LISTED: Final = 12
_SOURCES: Final = {"web": "in the browser", "api": "through the API", "admin": "in the admin", "job": "by the system"}


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
    reading: Reading, changes: Iterable[Change], *, number: int, by: str, source: str, at: datetime
) -> Version:
    """Return a version with the changes that people made, without those of rules."""
    lines = [line for change in changes if change.cause.type != "rule" and (line := _line(reading, change))]
    return Version(
        number=number,
        by=by,
        source=_SOURCES.get(source, source),
        at=moment(at, reading.reader.zone, now=reading.reader.now),
        at_exactly=at.isoformat(),
        changes=tuple(lines[:LISTED]),
        more=max(0, len(lines) - LISTED),
    )


def _line(reading: Reading, change: Change) -> ChangeLine | None:
    if change.path.startswith("question_sets/") or (change.before == change.after):
        return None
    if is_beside_document(change.path):
        return ChangeLine(beside_title(change.path), str(change.before or ""), str(change.after or "–"))
    code = change.path.rpartition("/")[2]
    known = reading.catalogue.questions.get(code)
    if known is None:
        pool = reading.catalogue.pools.get(change.path.split("/")[-2]) if "/" in change.path else None
        title = reading.catalogue.sets[pool.set_code].question_set.title if pool else change.path
        return ChangeLine(title, "", "row removed" if change.after is None else "row added")
    question = known.question
    labels = reading.catalogue.choices(question) if question.choices else {}

    def text(value: AnswerValue) -> str:
        if question.sensitivity == "spi":
            return str(value) if value else "–"
        if reading.is_masked(question):
            return "••••" if value not in (None, "", []) else "–"
        return reading_text(question.type, value, labels, reading.catalogue.definition.currency)

    return ChangeLine(
        link_to(reading, change.path).text,
        "" if change.before in (None, "", []) else text(change.before),
        text(change.after),
    )
