"""The answers of golden cases: taken from a document without personal data and free texts, and made one again. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, Final

import msgspec

from copies.document import Answer, AnswerValue, Container, Document, PoolRow
from copies.paths import join_path
from rules.definition.model import CompiledCatalogue, CompiledQuestion
from rules.definition.product_compiler import product_reads

#: The types whose answers a person words, or that identify a person or business.
FREE_TYPES: Final = frozenset({"text", "long_text", "email", "phone", "url", "fein", "ssn", "tax_id", "vin"})


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of a pool, as in the API."""

    answers: dict[str, AnswerValue] = msgspec.field(default_factory=dict)
    answer_pools: dict[str, list[Row]] = msgspec.field(default_factory=dict)


class CaseAnswers(msgspec.Struct, frozen=True):
    """The answers of a case, and the codes of the questions whose answers were left out, in order."""

    answers: dict[str, AnswerValue]
    answer_pools: dict[str, list[Row]]
    excluded: list[str]
    left_out: tuple[str, ...] = ()

    @property
    def plain(self) -> dict[str, Any]:
        """Return the fields as plain data."""
        data: dict[str, Any] = msgspec.to_builtins(self)
        return data


def deciding_questions(catalogue: CompiledCatalogue) -> frozenset[str]:
    """Return the codes of the questions that a rule, a condition or a price reads."""
    readers = catalogue.dependents.readers
    read = {
        code
        for code, found in readers.items()
        if found.steps or found.requirements or found.related or found.form_rules or found.products
    }
    for product in catalogue.products.values():
        read.update(*(reads for _, reads in product_reads(product)))
    return frozenset(read & catalogue.questions.keys()) | {catalogue.definition.lines_question}


def answers_of(
    catalogue: CompiledCatalogue, document: Document, *, hides: Callable[[str, Answer], bool]
) -> CaseAnswers:  # fmt: skip
    """Return the answers of ``document`` that a case may hold: those that rules read, without personal and secret ones
    (of which ``hides``, by path and answer, is True) and without free texts. Those of unread questions are not counted
    as left out.
    """
    read = deciding_questions(catalogue)

    def takes(path: str, answer: Answer, question: CompiledQuestion) -> bool:
        is_read = question.question.code in read
        return is_read and question.question.type not in FREE_TYPES and not hides(path, answer)

    taken = _Taking(catalogue, takes).taken(document)
    return msgspec.structs.replace(taken, left_out=tuple(code for code in taken.left_out if code in read))


def without_sensitive(catalogue: CompiledCatalogue, document: Document) -> CaseAnswers:
    """Return the answers of the document of a case without those to questions that are sensitive in ``catalogue``, or
    that it does not have.
    """
    return _Taking(catalogue, lambda path, answer, question: not question.question.sensitivity).taken(document)


def refused_codes(catalogue: CompiledCatalogue, document: Document) -> list[str]:
    """Return the codes of the answers in the document of a case that it may not hold: to sensitive or free-text
    questions, or to none of ``catalogue``.
    """

    def takes(path: str, answer: Answer, question: CompiledQuestion) -> bool:
        return not question.question.sensitivity and question.question.type not in FREE_TYPES

    taking = _Taking(catalogue, takes)
    return [*taking.taken(document).left_out, *sorted(taking.unknown)]


def document_of(answers: CaseAnswers) -> Document:
    """Return the document with ``answers``; its rows have new ids, the same each time."""
    document = Document(forced_excluded_products=list(answers.excluded))
    _fill(document, answers.answers, answers.answer_pools, count(1))
    return document


def plain_answers(document: Document) -> dict[str, Any]:
    """Return every answer of the document of a case as its fields hold them: the inverse of ``document_of``."""
    answers, pools = _plain(document)
    return CaseAnswers(answers, pools, list(document.forced_excluded_products)).plain


def read_answers(answers: Any, answer_pools: Any, excluded: Any) -> CaseAnswers:
    """Return plain data as answers. Raises ``msgspec.ValidationError``."""
    return CaseAnswers(
        answers=msgspec.convert(answers, dict[str, AnswerValue]),
        answer_pools=msgspec.convert(answer_pools, dict[str, list[Row]]),
        excluded=msgspec.convert(excluded, list[str]),
    )


def check_answers(answers: Any, answer_pools: Any, excluded: Any) -> dict[str, str]:
    """Return the problem of each field that has another shape than the API's."""
    kinds = {
        "answers": (answers, dict[str, AnswerValue]),
        "answer_pools": (answer_pools, dict[str, list[Row]]),
        "excluded": (excluded, list[str]),
    }
    problems = {}
    for name, (value, kind) in kinds.items():
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            problems[name] = f"{error}."
    return problems


def _fill(
    container: Container, answers: dict[str, AnswerValue], pools: dict[str, list[Row]], ids: Iterator[int]
) -> None:  # fmt: skip
    container.answers.update((code, Answer(value=value)) for code, value in answers.items())
    for code, rows in pools.items():
        made = container.answer_pools.setdefault(code, [])
        for row in rows:
            made.append(PoolRow(id=f"row{next(ids)}"))
            _fill(made[-1], row.answers, row.answer_pools, ids)


def _plain(container: Container) -> tuple[dict[str, AnswerValue], dict[str, list[Row]]]:
    answers = {code: answer.value for code, answer in container.answers.items()}
    pools = {code: [Row(*_plain(row)) for row in rows] for code, rows in container.answer_pools.items()}
    return answers, pools


class _Taking:
    """Takes the answers of one document, and notes what it leaves out."""

    def __init__(self, catalogue: CompiledCatalogue, judge: Callable[[str, Answer, CompiledQuestion], bool]) -> None:
        self._catalogue = catalogue
        self._judge = judge
        self._left_out: set[str] = set()
        #: Codes of answers that are no answers to a question of the catalogue at their place.
        self.unknown: set[str] = set()

    def taken(self, document: Document) -> CaseAnswers:
        answers, pools = self._container(document, "", "")
        order = tuple(code for code in self._catalogue.questions if code in self._left_out)
        return CaseAnswers(answers, pools, list(document.forced_excluded_products), order)

    def _container(
        self, container: Container, pool: str, prefix: str
    ) -> tuple[dict[str, AnswerValue], dict[str, list[Row]]]:  # fmt: skip
        answers = {
            code: answer.value
            for code, answer in container.answers.items()
            if answer.is_answered and self._takes(code, answer, pool, join_path(prefix, code))
        }
        pools = {
            code: [Row(*self._container(row, code, join_path(prefix, code, row.id))) for row in rows]
            for code, rows in container.answer_pools.items()
            if code in self._catalogue.pools and self._catalogue.pools[code].pool.parent == pool
        }
        return answers, pools

    def _takes(self, code: str, answer: Answer, pool: str, path: str) -> bool:
        question = self._catalogue.questions.get(code)
        if question is None or question.pool != pool:
            self.unknown.add(code)
            return False
        is_taken = answer.sealed is None and self._judge(path, answer, question)
        if not is_taken:
            self._left_out.add(code)
        return is_taken
