"""Answers that a person can take over from elsewhere on the form, and those that a ZIP code filled. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from batch.changes.guest_scope import GuestScope
from copies.changes import Change
from copies.document import Answer, AnswerValue, Container, Document
from copies.paths import join_path, question_set_path
from partner_engine.web.pages.reading import Reading
from presentation.visibility import Visibility
from rules.definition.catalogue import Question
from rules.definition.model import CompiledCatalogue

#: The source of answers that a ZIP code filled.
SOURCE: Final = "zip"


class SameAs(NamedTuple):
    """An order that takes answers over: its text, and the ``path`` of the first question that it answers."""

    label: str
    path: str


class Known(NamedTuple):
    """The answers of one document that a person may take over: those that they are asked and may see."""

    catalogue: CompiledCatalogue
    document: Document
    visibility: Visibility
    scope: GuestScope

    def value_for(self, question: Question) -> AnswerValue:
        """Return the value that ``question`` takes over, None while an answer is missing or cannot be seen."""
        values = [self._value(code) for code in question.same_as]
        if any(value is None for value in values):
            return None
        return values[0] if len(values) == 1 else " ".join(str(value) for value in values)

    def _value(self, code: str) -> AnswerValue:
        answer = self.document.answers.get(code)
        if answer is None or not (answer.active and answer.is_answered) or answer.sealed is not None:
            return None
        is_seen = self.scope.has_answer(self.catalogue, code) and not self.visibility.hides(code, answer)
        return answer.value if is_seen else None


def is_from_zip(answer: Answer) -> bool:
    """Return whether a ZIP code filled ``answer``, and nobody has changed it since."""
    return answer.is_answered and answer.answered_by is not None and answer.answered_by.source == SOURCE


def same_as_in(reading: Reading, set_code: str, container: Container, prefix: str) -> SameAs | None:
    """Return the order of the question set in the ``container`` at ``prefix``, None without one.

    It is offered as long as none of its questions is answered, and something can be taken over.
    """
    question_set = reading.catalogue.sets[set_code].question_set
    questions = [question for question in question_set.questions if question.same_as]
    if not questions or not reading.is_writable or any(_is_answered(container, question) for question in questions):
        return None
    asked = [question for question in questions if reading.asks(join_path(prefix, question.code))]
    known = Known(reading.catalogue, reading.document, reading.visibility, reading.reader.scope)
    values = [known.value_for(question) for question in asked]
    if not any(value is not None for value in values):
        return None
    return SameAs(question_set.same_as_label or _default_label(reading, questions[0]), join_path(prefix, asked[0].code))


def offers_changed(reading: Reading, changes: Iterable[Change]) -> Iterator[str]:
    """Yield the paths of the rows and sets whose order appears or goes because of ``changes`` to what it takes over."""
    began = {change.path for change in changes if (change.before is None) != (change.after is None)}
    if not began:
        return
    for code, compiled in reading.catalogue.sets.items():
        if not any(began.intersection(question.same_as) for question in compiled.question_set.questions):
            continue
        pool = compiled.question_set.pool
        if pool is None:
            yield question_set_path(code)
        elif not pool.parent and (rows := reading.document.answer_pools.get(pool.code)):
            yield join_path(pool.code, rows[0].id)


def _is_answered(container: Container, question: Question) -> bool:
    answer = container.answers.get(question.code)
    return answer is not None and answer.is_answered


def _default_label(reading: Reading, question: Question) -> str:
    source = reading.catalogue.questions[question.same_as[0]]
    return f"Same as in “{reading.catalogue.sets[source.set_code].question_set.title}”"
