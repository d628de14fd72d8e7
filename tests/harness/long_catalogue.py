"""A catalogue with two thousand questions, as no trade needs them."""

from __future__ import annotations

from functools import cache
from typing import Final

import msgspec
import zstandard

from catalogue.models import Catalogue, Release
from rules.definition.catalogue import CatalogueDefinition, Question, QuestionSet
from tests.harness.cast import LONG_RELEASE

SETS: Final = 50
IN_EACH: Final = 40


def _question(part: int, number: int) -> Question:
    code = f"q{part}_{number}"
    kinds = {0: "integer", 1: "boolean", 2: "date"}
    kind = kinds.get(number % 5, "text")
    return Question(
        code=code,
        label=f"Question {number} of part {part}",
        type=kind,
        required="quote" if number < 3 else "optional",
        validate=("max:5",) if kind == "integer" else (),
    )


LONG: Final = CatalogueDefinition(
    code="long",
    title="A long form",
    title_question="q0_3",
    question_sets=tuple(
        QuestionSet(
            code=f"part{part}",
            title=f"Part {part}",
            questions=tuple(_question(part, number) for number in range(IN_EACH)),
        )
        for part in range(SETS)
    ),
)


def store_long_release() -> Release:
    """Store the long catalogue as a current release without a draft, always under the same id: it is compiled once per
    process, which takes seconds.
    """
    stored = Catalogue.objects.create(code=LONG.code, title=LONG.title)
    return Release.objects.create(
        id=LONG_RELEASE, catalogue=stored, number=1, content=_content(), checksum="0", published_by_id="test"
    )


@cache
def _content() -> bytes:
    return zstandard.compress(msgspec.json.encode(LONG))
