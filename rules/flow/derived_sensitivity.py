"""The sensitivity of derived values in one document: that of their questions, and of the answers when they were given.
Pure.
"""

from __future__ import annotations

from copies.changes import strictest
from copies.document import Document, walk_containers
from rules.definition.model import CompiledCatalogue
from rules.language.kinds import TRUTH


def questions_of_derived(catalogue: CompiledCatalogue, code: str) -> frozenset[str]:
    """Return the codes of the questions that the derived value ``code`` shows something of: none for a yes or no."""
    part = catalogue.derived[code]
    if part.value.kind == TRUTH:
        return frozenset()
    found = {read for read in part.value.reads if read in catalogue.questions}
    for read in part.value.reads & catalogue.derived.keys():
        found |= questions_of_derived(catalogue, read)
    return frozenset(found)


def sealed_codes(document: Document) -> frozenset[str]:
    """Return the codes of the questions with sealed answers in ``document``."""
    return frozenset(
        code
        for _, container in walk_containers(document)
        for code, answer in container.answers.items()
        if answer.sealed is not None
    )


def tag_of_derived(catalogue: CompiledCatalogue, document: Document, code: str) -> str:
    """Return the strictest sensitivity of the answers in ``document`` that the derived value ``code`` is made of."""
    questions = questions_of_derived(catalogue, code)
    tags = {catalogue.derived[code].tag}
    for _, container in walk_containers(document) if questions else ():
        for read in questions & container.answers.keys():
            answer = container.answers[read]
            tags.add(answer.tag if answer.sealed is None else "spi")
    return strictest(*tags)
