"""The place and size of a business, which rank its industry search. Pure."""

from __future__ import annotations

from typing import Final

from copies.document import Document, walk_answers
from rules.definition.model import CompiledCatalogue
from rules.types.zip import ZIP

#: The questions for the number of employees. Without them in the catalogue, the size is unknown.
EMPLOYEES: Final = ("mqs_full_time_emp", "mqs_part_time_emp")


def place_and_size(document: Document, catalogue: CompiledCatalogue) -> tuple[str, int | None]:
    """Return the first ZIP code of ``document`` ("" for none) and the number of employees (None if unknown)."""
    zip_code = ""
    for path, answer in walk_answers(document):
        known = catalogue.questions.get(path.rpartition("/")[2])
        if known and known.question.type == ZIP.code and answer.active and isinstance(answer.value, str):
            zip_code = answer.value[:5]
            break
    answers = (document.answers.get(code) for code in EMPLOYEES)
    counts = [answer.value for answer in answers if answer and answer.active and isinstance(answer.value, int)]
    return zip_code, sum(counts) if counts else None
