"""Whether the decision on a document depends on the evaluation date. Pure."""

from __future__ import annotations

from copies.document import Container, Document
from rules.definition.model import CompiledCatalogue


def depends_on_day(catalogue: CompiledCatalogue, document: Document) -> bool:
    """Return whether another evaluation date can lead to another decision on ``document``."""
    return catalogue.day.is_in_texts or (bool(catalogue.day.questions) and _has_dated_answer(catalogue, document, ""))


def _has_dated_answer(catalogue: CompiledCatalogue, container: Container, pool: str) -> bool:
    answers = container.answers
    for code in catalogue.day.questions.get(pool, ()):
        answer = answers.get(code)
        if answer is not None and answer.is_answered:
            return True
    return any(_has_dated_answer(catalogue, row, code) for code, rows in container.answer_pools.items() for row in rows)
