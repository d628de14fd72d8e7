"""The labels of places in a form. Pure."""

from __future__ import annotations

from copies.paths import Path
from rules.definition.model import CompiledCatalogue


def label_of(catalogue: CompiledCatalogue, path: str) -> str:
    """Return the label of the question, or the title of the rows, at ``path``; the code of what the catalogue lacks."""
    place = Path(path)
    code = place.pool if place.is_row else place.code
    question = catalogue.questions.get(code)
    if question is not None:
        return question.question.label
    return set_title_of(catalogue, code) or code


def set_title_of(catalogue: CompiledCatalogue, code: str) -> str:
    """Return the title of the question set of a question or pool, "" for an unknown one."""
    part = catalogue.questions.get(code) or catalogue.pools.get(code)
    return "" if part is None else catalogue.sets[part.set_code].question_set.title
