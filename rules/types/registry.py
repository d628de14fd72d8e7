"""The question types that a catalogue can use. Pure.

To add one, write its file in this folder and name its object in ``_TYPES``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from rules.types.boolean import BOOLEAN
from rules.types.choice import CHOICE
from rules.types.date import DATE
from rules.types.decimal import DECIMAL
from rules.types.email import EMAIL
from rules.types.fein import FEIN
from rules.types.integer import INTEGER
from rules.types.long_text import LONG_TEXT
from rules.types.money import MONEY
from rules.types.multi_choice import MULTI_CHOICE
from rules.types.naics import NAICS
from rules.types.number import NUMBER
from rules.types.percent import PERCENT
from rules.types.phone import PHONE
from rules.types.question_type import QuestionType
from rules.types.ssn import SSN
from rules.types.tax_id import TAX_ID
from rules.types.text import TEXT
from rules.types.url import URL
from rules.types.vin import VIN
from rules.types.year import YEAR
from rules.types.zip import ZIP

#: In the order in which staff choose from them.
_TYPES: Final = (
    TEXT, LONG_TEXT, CHOICE, MULTI_CHOICE, BOOLEAN, INTEGER, NUMBER, DECIMAL, MONEY, PERCENT,
    DATE, YEAR, ZIP, EMAIL, PHONE, URL, FEIN, SSN, TAX_ID, VIN, NAICS,
)  # fmt: skip
QUESTION_TYPES: Final[Mapping[str, QuestionType]] = MappingProxyType({item.code: item for item in _TYPES})


class UnknownQuestionType(LookupError):
    """No question type has this code."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(f"There is no question type {code!r}; the types are {', '.join(QUESTION_TYPES)}.")


def type_of(code: str) -> QuestionType:
    """Return the question type with ``code``. Raises ``UnknownQuestionType``."""
    try:
        return QUESTION_TYPES[code]
    except KeyError:
        raise UnknownQuestionType(code) from None
