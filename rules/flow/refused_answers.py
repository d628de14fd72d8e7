"""Finds what a release would refuse of a stored document, without deciding the document: for counts of forms. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from copies.document import Answer, Container, Document
from copies.paths import join_path
from rules.definition.model import CompiledCatalogue, CompiledQuestion
from rules.types.checks import CheckContext, Doubt


def refused(catalogue: CompiledCatalogue, document: Document, *, as_of: date | None = None) -> tuple[str, ...]:
    """Return the paths of the visible answers that ``catalogue`` would refuse, of pools with too many rows, and of rows
    in pools that it no longer has.

    Answers are those that were visible when ``document`` was decided last; follow the renames of ``catalogue`` first.
    The checks of single answers (limits, formats) count only with ``as_of``. Sealed answers are not opened.
    """
    context = None if as_of is None else CheckContext(as_of, catalogue.definition.allow_test_identities)
    return tuple(_refused_in(catalogue, context, document, "", ""))


def _refused_in(
    catalogue: CompiledCatalogue, context: CheckContext | None, container: Container, pool: str, prefix: str
) -> Iterator[str]:
    for code, answer in container.answers.items():
        question = catalogue.questions.get(code)
        if question is not None and question.pool == pool and _is_refused(catalogue, context, question, answer):
            yield join_path(prefix, code)
    for code, rows in container.answer_pools.items():
        path = join_path(prefix, code)
        if code not in catalogue.nested[pool]:
            if rows:
                yield path
            continue
        if len(rows) > catalogue.pools[code].pool.max:
            yield path
        for row in rows:
            yield from _refused_in(catalogue, context, row, code, join_path(path, row.id))


def _is_refused(
    catalogue: CompiledCatalogue, context: CheckContext | None, question: CompiledQuestion, answer: Answer
) -> bool:
    if not answer.active or answer.sealed is not None or not answer.is_answered:
        return False
    if question.verdicts.fault_of(catalogue, question.question, answer.value) is not None:
        return True
    if context is None or not question.checks:
        return False
    texts = [test(question.read(answer.value), context) for _, test in question.checks]
    return any(text is not None and text.__class__ is not Doubt for text in texts)
