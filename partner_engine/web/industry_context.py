"""The context of a search for an industry besides its words: the place of the business, and its size. Pure.

The catalogue names the questions that tell them.
"""

from __future__ import annotations

from copies.document import Document, walk_answers
from copies.paths import Path
from rules.definition.model import CompiledCatalogue


def place_and_size(document: Document, catalogue: CompiledCatalogue) -> tuple[str, int | None]:
    """Return the ZIP code of the business (of rows, the first), "" where unknown, and the number of employees, None
    where unknown.
    """
    zip_question, zip_code = catalogue.definition.zip_question, ""
    for path, answer in walk_answers(document) if zip_question else ():
        if Path(path).code == zip_question and answer.active and isinstance(answer.value, str):
            zip_code = answer.value[:5]
            break
    answers = (document.answers.get(code) for code in catalogue.definition.employees_questions)
    counts = [answer.value for answer in answers if answer and answer.active and isinstance(answer.value, int)]
    return zip_code, sum(counts) if counts else None
