"""The type ``vin``: a vehicle identification number, and the check of its check digit. Pure."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from copies.mask import mask
from rules.language import kinds
from rules.language.values import Value
from rules.types.checks import CheckContext, Doubt, without_arguments
from rules.types.question_type import QuestionType
from rules.types.text_input import LINE_LENGTH, InvalidValue, pattern_cleaner

_VIN: Final = re.compile(r"[A-HJ-NPR-Z0-9]{17}", re.ASCII)
_LENGTH: Final = 17
#: The first characters of makers in North America, where the check digit is the law (49 CFR 565.15) since model year
#: 1981, and of no others: elsewhere the ninth character is free.
_NORTH_AMERICA: Final = frozenset("123457")
_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VALUES: Final = dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9), strict=True)
)


def is_vin(text: str) -> bool:
    """Return whether the ninth character is the check digit (49 CFR 565.15: weighted sum modulo 11, ten is X)."""
    if not _VIN.fullmatch(text):
        return False
    weighted = zip(text, _WEIGHTS, strict=True)
    remainder = sum(int(_VALUES.get(character, character)) * weight for character, weight in weighted) % 11
    return text[8] == ("X" if remainder == 10 else str(remainder))


def _check(value: Value, context: CheckContext) -> str | None:
    """Return what is wrong with a VIN: an error only where the law asks for the check digit, else a warning."""
    if len(value) == _LENGTH and not _VIN.fullmatch(value):
        return "A VIN has no letters I, O or Q. Enter the digits 1 and 0."
    if is_vin(value):
        return None
    if len(value) != _LENGTH:
        return Doubt(f"This VIN has {len(value)} characters. VINs since 1981 have {_LENGTH}.")
    if value[0] in _NORTH_AMERICA:
        return "The VIN's check digit is wrong. Check the number for a typo."
    return Doubt("This VIN has no check digit, as is usual for vehicles made for other countries. Check it for a typo.")


def _whole(bare: str) -> str:
    if len(set(bare)) == 1:
        raise InvalidValue("vin", "Enter the VIN of the vehicle, not one repeated character.")
    return bare


VIN: Final = QuestionType(
    code="vin",
    kind=kinds.TEXT,
    # Vehicles built before 1981, and trailers, have shorter numbers without a check digit.
    cleaner=pattern_cleaner(r"[A-Z0-9]{5,17}", _whole, code="vin", text="Enter a VIN of 5 to 17 letters and digits."),
    max_length=LINE_LENGTH,
    mask=mask,
    validators=MappingProxyType({"vin_check_digit": without_arguments("vin_check_digit", _check)}),
)
