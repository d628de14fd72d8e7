"""The single fields that a save of answers changes, in place of their whole card or row. Pure.

A card of thirty questions takes longer to render, to send and to put into the page than everything else of a save.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from copies.changes import Change
from copies.paths import Path, join_path, split_path
from partner_engine.web.pages.cards import is_open
from partner_engine.web.pages.differences import Parts, changed_parts, shown_in, touched_paths
from partner_engine.web.pages.field_places import place_questions
from partner_engine.web.pages.fields import Field, build_field
from partner_engine.web.pages.reading import Reading
from rules.flow.evaluation import Evaluation

#: With more changes than this, of pasted rows for example, whole cards and rows are sent: to look for single fields
#: would take longer than it saves.
MOST_ALONE: Final = 200


def answered_parts(reading: Reading, before: Evaluation, changes: Iterable[Change]) -> Parts:
    """Return the parts of ``reading`` that look different from ``before``, with fields in place of a card or a row
    where nothing else of it changed. Of rows the heads are rendered too: they show answers and counts.
    """
    changes = list(changes)
    parts = changed_parts(reading, before, changes)
    if len(changes) > MOST_ALONE:
        return parts
    # Questions that come or go, and proposals.
    moved = {change.path for change in changes if change.active is not None or change.proposed is not None}
    inside: dict[str, list[str]] = defaultdict(list)
    for path in touched_paths(reading, before, changes):
        inside[_place(reading, path)].append(path)
    alone = {
        place
        for place in (*parts.sets, *parts.rows)
        if inside[place] and all(path not in moved and _is_alone(reading, path) for path in inside[place])
    }
    fields = sorted(path for place in alone for path in inside[place])
    return replace(
        parts,
        sets=tuple(code for code in parts.sets if code not in alone),
        rows=tuple(path for path in parts.rows if path not in alone),
        heads=tuple(sorted({row for path in fields for row in Path(path).rows_around()})),
        fields=tuple(fields),
    )


def _place(reading: Reading, path: str) -> str:
    """Return the row or the card that ``path`` is part of, as ``changed_parts`` names it."""
    place = Path(path)
    if place.is_question_set:
        return shown_in(reading, place.code)
    return next(place.rows_around(), reading.top_set(path))


def build_field_at(reading: Reading, path: str) -> Field | None:
    """Return the field at ``path``, None if the reader is not asked about it."""
    prefix, code = split_path(path)
    answer, known = reading.answer(path), reading.catalogue.questions.get(code)
    if answer is None or known is None or not reading.asks(path):
        return None
    placed = place_questions(reading.catalogue, known.set_code, lambda asked: reading.asks(join_path(prefix, asked)))
    place = next(place for question, place in placed if question.code == code)
    return build_field(reading, known.question, prefix, answer, place)


def _is_later(reading: Reading, path: str) -> bool:
    """Return whether the answer at ``path`` is in a row after the first of its pool."""
    pool, row_id = split_path(Path(path).row)
    container = reading.container(pool)
    rows = container.answer_pools.get(Path(pool).code, []) if container and pool else []
    return bool(rows) and rows[0].id != row_id


def _is_alone(reading: Reading, path: str) -> bool:
    """Return whether a change at ``path`` shows in its field, and in the heads of the rows around it, alone.

    An answer of a question that takes others over decides about the order to do so, which a card and the first row of
    a pool have. Rows correspond to those of the base by their answers.
    """
    answer, known = reading.answer(path), reading.catalogue.questions.get(Path(path).code)
    if (
        answer is None
        or known is None
        or not answer.active
        or (known.question.same_as and not _is_later(reading, path))
    ):
        return False
    rows = list(Path(path).rows_around())
    return not rows or (reading.base is None and all(is_open(reading, row) for row in rows))
