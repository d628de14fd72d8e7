"""The type ``percent``: a number of percent; 12.5 is 12.5 %. Pure."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from copies.document import AnswerValue
from rules.language import kinds
from rules.language.values import Value
from rules.types.checks import Check, CheckContext, Doubt
from rules.types.formats import grouped_number
from rules.types.number_input import NUMBER_LENGTH, plain_decimal, read_number, require_exact, split_sign, stored_number
from rules.types.question_type import QuestionType
from rules.types.text_input import InputContext, InvalidValue

_PERCENT: Final = re.compile(r"(.*[0-9.]) ?(?:%|percent|per cent|pct\.?)", re.IGNORECASE)
_CURRENCY: Final = re.compile(r"[$€£¥]")
#: A comma that cannot separate thousands.
_WITH_COMMA: Final = re.compile(r"[0-9]{1,20},[0-9]{1,2}")


def _read_text(text: str) -> Decimal:
    if _CURRENCY.search(text):
        raise InvalidValue("wrong_unit", "Enter a percentage, not an amount.")
    with_unit = _PERCENT.fullmatch(text)
    sign, bare = split_sign(with_unit[1] if with_unit else text)
    number = sign * plain_decimal(bare.replace(",", ".") if _WITH_COMMA.fullmatch(bare) else bare)
    require_exact(number)
    return number


def _clean(raw: object, max_length: int, context: InputContext) -> AnswerValue:
    return stored_number(read_number(raw, _read_text, max_length))


def _is_plausible(value: Value, context: CheckContext) -> str | None:
    if 0 < abs(value) < 1:
        return Doubt("This is less than 1%. For a share such as 0.25 enter 25.")
    return None


PERCENT: Final = QuestionType(
    code="percent",
    kind=kinds.NUMBER,
    cleaner=_clean,
    max_length=NUMBER_LENGTH,
    checks=(Check("percent_below_one", _is_plausible),),
    input_mode="decimal",
    unit="%",
    input_text=grouped_number,
    display=lambda value, currency: f"{grouped_number(value)}%",
)
