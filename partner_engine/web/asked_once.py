"""What the form knows already: city and state of a ZIP code, and answers that the catalogue lets a person take over.

Both fill only answers that no person has given, from values that the visitor may see.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from batch.changes.changeset import Changeset
from batch.errors import InvalidAnswers, ReadOnlyAnswer, UnknownQuestion
from copies.document import Answer, find_answer
from copies.paths import Path, join_path, split_path
from partner_engine.web.pages.same_as import SOURCE, Known
from rules.definition.catalogue import Question
from rules.zip_codes import place_of

_DIGITS: Final = 5


def fill_places(changeset: Changeset, answered: Collection[str], *, typed: Collection[str]) -> None:
    """Fill city and state of the ZIP codes among the paths that were ``answered``, unless they are among the ``typed``
    ones: also where the typed answer was refused or is in conflict with another one, so that the person decides.

    An answer that a person gave stays; one that an earlier ZIP code filled is replaced.
    """
    catalogue = changeset.catalogue
    for path in answered:
        known = catalogue.questions.get(Path(path).code)
        if known is None or known.question.address != "zip":
            continue
        code = changeset.find_answer(path).value
        place = place_of(code[:_DIGITS]) if isinstance(code, str) else None
        if place is None:
            continue
        found = {"city": place.city, "state": place.states[0]}
        prefix, _ = split_path(path)
        for question in catalogue.sets[known.set_code].question_set.questions:
            target = join_path(prefix, question.code)
            if found.get(question.address) and target not in typed:
                _fill_place(changeset, question, target, found[question.address])


def take_over(changeset: Changeset, path: str) -> None:
    """Answer the questions with ``same_as`` beside the one at ``path``, as far as they have no answer.

    Raises ``UnknownQuestion`` if the question at ``path`` takes over nothing.
    """
    prefix, code = split_path(path)
    known = changeset.catalogue.questions.get(code)
    if known is None or not known.question.same_as:
        raise UnknownQuestion(path)
    source = Known(changeset.catalogue, changeset.document, changeset.visibility, changeset.guest_scope)
    for question in changeset.catalogue.sets[known.set_code].question_set.questions:
        target = join_path(prefix, question.code)
        answer = find_answer(changeset.document, target)
        if not question.same_as or (answer is not None and answer.is_answered):
            continue
        value = source.value_for(question)
        if value is not None and changeset.guest_scope.has_answer(changeset.catalogue, target):
            _answer(changeset, target, value, source="")


def _fill_place(changeset: Changeset, question: Question, path: str, value: str) -> None:
    """Fill the answer at ``path`` with ``value``, if it has none or one that a ZIP code filled."""
    catalogue, answer = changeset.catalogue, find_answer(changeset.document, path)
    is_fillable = answer is None or not answer.is_answered or _is_filled(changeset, path, answer)
    is_choice = not question.choices or value in catalogue.choices(question)
    if is_fillable and is_choice and changeset.guest_scope.has_answer(catalogue, path):
        _answer(changeset, path, value, source=SOURCE)


def _is_filled(changeset: Changeset, path: str, answer: Answer) -> bool:
    by_zip = answer.answered_by is not None and answer.answered_by.source == SOURCE
    return by_zip and not changeset.visibility.hides(path, answer)


def _answer(changeset: Changeset, path: str, value: object, *, source: str) -> None:
    """Store ``value`` at ``path``; one that the question refuses, or that people may not change, is left out."""
    mutator = changeset.find_answer(path)
    try:
        if source:
            mutator.fill(value, source=source)
        else:
            mutator.apply(value)
    except (InvalidAnswers, ReadOnlyAnswer):
        return
