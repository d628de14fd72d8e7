"""The type ``money``: an amount in the catalogue's currency, to the cent. Pure."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import Final

from copies.document import AnswerValue
from rules.language import kinds
from rules.types.currencies import own_signs, split_currency
from rules.types.formats import grouped_number, money, plain_text
from rules.types.number_input import (
    NUMBER_LENGTH,
    is_plain_whole,
    read_number,
    read_unsigned,
    split_sign,
    stored_number,
)
from rules.types.question_type import QuestionType
from rules.types.text_input import InputContext, InvalidValue

_CENT: Final = Decimal("0.01")
_BRACKETS: Final = re.compile(r"\((.*)\)")
#: How Europeans write whole amounts: ``500.-``, ``500,-``.
_NO_CENTS: Final = re.compile(r"(.*[0-9])[.,] ?[-\u2010-\u2015]")
#: A decimal comma, only where the comma cannot separate thousands.
_WITH_COMMA: Final = re.compile(
    r"(?:[0-9]{1,3}(?:([.'’ ])[0-9]{3})(?:\1[0-9]{3})*,[0-9]{1,2}|[0-9]{4,20},[0-9]{2}|[0-9]{1,3}(?:\.[0-9]{3}){2,})"
)
#: An American point or a European thousands separator.
_AMBIGUOUS: Final = re.compile(r"[1-9][0-9]{0,2}\.[0-9]{3}")
#: Digits behind the point of a typed amount that may be rounded to the cent.
_ROUNDED: Final = 4


def read_amount(text: str, currency: str) -> Decimal:
    """Return the amount in ``text``: ``$1,250.50``, ``(500)``, ``-$500``, ``USD 2.5 million``, ``1.234,50``.

    Raises ``InvalidValue``, also for another currency than ``currency``.
    """
    if "%" in text:
        raise InvalidValue("wrong_unit", "Enter an amount, not a percentage.")
    found, is_negative, bare = _unwrap(text, currency)
    if not found <= own_signs(currency):
        raise InvalidValue("wrong_currency", f"Enter the amount in {currency}.")
    return -_magnitude(bare) if is_negative else _magnitude(bare)


def _unwrap(text: str, currency: str) -> tuple[frozenset[str], bool, str]:
    """Return the currency signs of ``text``, whether it is negative, and the digits inside; signs stand in any order.

    Raises ``InvalidValue`` for more than one sign of the number.
    """
    found: frozenset[str] = frozenset()
    signs = []
    while True:
        brackets, (sign, unsigned), (currencies, bare) = (
            _BRACKETS.fullmatch(text), split_sign(text), split_currency(text, currency)
        )  # fmt: skip
        if brackets:
            signs.append(-1)
            text = brackets[1].strip()
        elif unsigned != text:
            signs.append(sign)
            text = unsigned
        elif bare != text:
            found |= currencies
            text = bare
        else:
            break
    if len(signs) > 1:
        raise InvalidValue("not_a_number", "Write a negative amount with a minus sign or in parentheses, not both.")
    return found, signs == [-1], text


def _magnitude(text: str) -> Decimal:
    whole = _NO_CENTS.fullmatch(text)
    if whole:
        text = whole[1]
    if _WITH_COMMA.fullmatch(text):
        number, _, cents = re.sub(r"[.'’ ]", "", text).partition(",")
        return Decimal(f"{number}.{cents or 0}")
    if _AMBIGUOUS.fullmatch(text):
        raise InvalidValue("ambiguous", "Write 1,250 for a thousand, or 1.25 for dollars and cents.")
    amount = read_unsigned(text)
    exponent = amount.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > _ROUNDED:
        raise InvalidValue("too_precise", "Enter the amount to the cent.")
    return amount


def _clean(raw: object, max_length: int, context: InputContext) -> AnswerValue:
    if is_plain_whole(raw):
        return raw
    read_text = partial(read_amount, currency=context.currency)
    return stored_number(read_number(raw, read_text, max_length).quantize(_CENT, ROUND_HALF_UP))


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
