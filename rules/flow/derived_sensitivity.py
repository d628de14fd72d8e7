"""The sensitivity of derived values in one document: that of their questions, and of the answers when they were given.
Pure.
"""

from __future__ import annotations

from collections.abc import Set

from copies.changes import strictest
from copies.document import Container, Document, walk_containers
from rules.definition.model import CompiledCatalogue


def questions_of_derived(catalogue: CompiledCatalogue, code: str) -> frozenset[str]:
    """Return the codes of the questions that the derived value ``code`` shows something of: none for a yes or no."""
    return catalogue.derived[code].questions


def sealed_codes(document: Document, *, among: Set[str]) -> frozenset[str]:
    """Return the codes of ``among`` that have a sealed answer anywhere in ``document``."""
    found: set[str] = set()
    waiting: list[Container] = [document]
    while waiting:
        container = waiting.pop()
        answers = container.answers
        for code in answers.keys() & among:
            if answers[code].sealed is not None:
                found.add(code)
        for rows in container.answer_pools.values():
            waiting += rows
    return frozenset(found)


def tag_of_derived(catalogue: CompiledCatalogue, document: Document, code: str) -> str:
    """Return the strictest sensitivity of the answers in ``document`` that the derived value ``code`` is made of."""
    questions = questions_of_derived(catalogue, code)
    tags = {catalogue.derived[code].tag}
    for _, container in walk_containers(document) if questions else ():
        for read in questions & container.answers.keys():
            answer = container.answers[read]
            tags.add(answer.tag if answer.sealed is None else "spi")
    return strictest(*tags)
