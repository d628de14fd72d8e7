"""The questions that depend on an answer: whether it makes others appear, and what a save put away. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from copies.changes import Change
from copies.paths import Path
from partner_engine.web.pages.reading import Reading
from presentation.formats import counted, listed
from rules.definition.model import RATING, CompiledCatalogue, CompiledDerived

_GROUP: Final = "the group "


@dataclass(frozen=True)
class PutAway:
    """The questions that an answer at ``path`` hides, as ``text``."""

    path: str
    text: str


def opens_questions(catalogue: CompiledCatalogue, code: str) -> bool:
    """Return whether the answer to the question ``code`` decides which other questions or sets are shown."""
    readers = catalogue.dependents.readers.get(code)
    if readers is None:
        return False
    for reader in readers.steps:
        step = catalogue.steps[reader.place]
        if not isinstance(step, CompiledDerived) or opens_questions(catalogue, step.derived.code):
            return True
    gated = catalogue.dependents.gated
    return any(gated.get(product) and places - {RATING} for product, places in readers.products.items())


def names_of_shown(reading: Reading, changes: Iterable[Change]) -> tuple[list[str], list[str]]:
    """Return the names of the groups and questions that appeared, and of those that disappeared.

    A group is named instead of its questions.
    """
    changes = list(changes)
    appeared: dict[str, None] = {}
    gone: dict[str, None] = {}
    groups: set[str] = set()
    for change in changes:
        place = Path(change.path)
        known = reading.catalogue.sets.get(place.code) if place.is_question_set else None
        if known is not None and (change.before is None) != (change.after is None):
            groups.add(place.code)
            (gone if change.after is None else appeared)[_GROUP + known.question_set.title] = None
    for change in _shown_or_hidden(reading, changes):
        question = reading.catalogue.questions[Path(change.path).code]
        if question.set_code not in groups:
            (appeared if change.active else gone)[question.question.label.rstrip("?")] = None
    return list(appeared), list(gone)


def put_away(reading: Reading, changes: Iterable[Change], taken: Iterable[str]) -> PutAway | None:
    """Return the questions that the only changed answer among the paths ``taken`` hides, None if it hides none."""
    changes = reading.asked(changes)
    answered = set(taken)
    causes = [change for change in changes if change.path in answered and change.cause.type != "rule"]
    hidden = [change for change in _shown_or_hidden(reading, changes) if not change.active]
    _, gone = names_of_shown(reading, changes)
    if len(causes) != 1 or not gone:
        return None
    cause = causes[0]
    kept = any(change.after not in (None, "", []) for change in hidden)
    what = counted(len(hidden), "question") if hidden else listed(name.removeprefix(_GROUP) for name in gone)
    return PutAway(path=cause.path, text=f"{what} put away" + (", answers kept" if kept else ""))


def _shown_or_hidden(reading: Reading, changes: Iterable[Change]) -> list[Change]:
    """Return the changes by which rules show or hide a question."""
    codes = reading.catalogue.questions
    return [
        change
        for change in changes
        if change.active is not None and change.cause.type == "rule" and Path(change.path).code in codes
    ]
