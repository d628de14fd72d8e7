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
    named = catalogue.definition.zip_questions
    zip_codes: dict[str, str] = {}
    for path, answer in walk_answers(document) if named else ():
        if Path(path).code in named and answer.active and isinstance(answer.value, str):
            zip_codes.setdefault(Path(path).code, answer.value[:5])
    zip_code = next((zip_codes[code] for code in named if code in zip_codes), "")
    answers = (document.answers.get(code) for code in catalogue.definition.employees_questions)
    counts = [answer.value for answer in answers if answer and answer.active and isinstance(answer.value, int)]
    return zip_code, sum(counts) if counts else None
