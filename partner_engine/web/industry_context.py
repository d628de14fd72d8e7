"""The context of a search for an industry besides its words: the place of the business, and its size. Pure."""

from __future__ import annotations

from copies.document import Document, walk_answers
from copies.paths import Path
from rules.definition.model import CompiledCatalogue
from rules.types.zip import ZIP


def place_and_size(document: Document, catalogue: CompiledCatalogue) -> tuple[str, int | None]:
    """Return the first ZIP code in ``document``, "" without any, and the number of employees, None where unknown."""
    zip_code = ""
    for path, answer in walk_answers(document):
        known = catalogue.questions.get(Path(path).code)
        if known and known.question.type == ZIP.code and answer.active and isinstance(answer.value, str):
            zip_code = answer.value[:5]
            break
    answers = (document.answers.get(code) for code in catalogue.definition.employees_questions)
    counts = [answer.value for answer in answers if answer and answer.active and isinstance(answer.value, int)]
    return zip_code, sum(counts) if counts else None
