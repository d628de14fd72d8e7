"""The type ``money``: an amount in the catalogue's currency, to the cent. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from copies.document import AnswerValue
from rules.language import kinds
from rules.types.formats import grouped_number, money, plain_text
from rules.types.number_input import NUMBER_LENGTH, read_number, stored_number
from rules.types.question_type import QuestionType

_CENT: Final = Decimal("0.01")


def _clean(raw: object, max_length: int, choices: Mapping[str, str]) -> AnswerValue:
    return stored_number(read_number(raw, max_length).quantize(_CENT, ROUND_HALF_UP))


def _display(value: AnswerValue, currency: str) -> str:
    return money(value, currency) if isinstance(value, int | float) else plain_text(value)


MONEY: Final = QuestionType(
    code="money",
    kind=kinds.NUMBER,
    cleaner=_clean,
    max_length=NUMBER_LENGTH,
    input_mode="decimal",
    unit="currency",
    input_text=grouped_number,
    display=_display,
)
