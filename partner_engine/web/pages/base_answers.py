"""The answers of the base beside those of another copy of the form. Pure.

What the reader may not read is never compared (docs/adr/0024-unreadable-is-never-compared.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from copies.document import Answer, AnswerValue, Container, Document, find_answer
from copies.paths import Path, join_path
from copies.row_matching import match_rows

if TYPE_CHECKING:
    from partner_engine.web.pages.reading import Reading

#: The text of a question that is not answered in the base.
NO_ANSWER: Final = "no answer"


def base_text(reading: Reading, path: str, answer: Answer) -> str:
    """Return the answer of the base to the question at ``path`` as text, "" if it is the same as ``answer``, hidden
    from the reader, or unknown.
    """
    if reading.base is None:
        return ""
    place = Path(path)
    row = reading.base_rows.get(place.parent) if place.parent else ""
    if row is None:
        return ""
    theirs_path = join_path(row, place.code)
    theirs = find_answer(reading.base, theirs_path)
    visibility = reading.visibility
    if theirs is None or visibility.hides(path, answer) or visibility.hides(theirs_path, theirs):
        return ""
    before, now = _value(theirs), _value(answer)
    if before == now and isinstance(before, bool) is isinstance(now, bool):
        return ""
    return visibility.answer_text(theirs_path, theirs) if before is not None else NO_ANSWER


def match_base_rows(reading: Reading, base: Document) -> dict[str, str]:
    """Map the path of each row that the base has too to its path there."""
    return dict(_matched(reading, reading.document, base, "", ""))


def _matched(
    reading: Reading, own: Container, base: Container, own_path: str, base_path: str
) -> Iterator[tuple[str, str]]:  # fmt: skip
    visibility = reading.visibility
    for code, rows in own.answer_pools.items():
        known = reading.catalogue.pools.get(code)
        key = known.pool.key if known else ()
        pairs = match_rows(
            rows,
            base.answer_pools.get(code, ()),
            key,
            comparable=lambda question, answer: not visibility.hides(question, answer),
        )
        for mine, theirs in pairs:
            if mine is None or theirs is None:
                continue
            paths = join_path(own_path, code, mine.id), join_path(base_path, code, theirs.id)
            yield paths
            yield from _matched(reading, mine, theirs, *paths)


def _value(answer: Answer) -> AnswerValue:
    """Return what counts as the answer: nothing where it is not asked, and a list in one order."""
    if not answer.active or not answer.is_answered:
        return None
    return sorted(answer.value) if isinstance(answer.value, list) else answer.value
