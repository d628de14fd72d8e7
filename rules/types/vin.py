"""The type ``vin``: a vehicle identification number, and the check of its check digit. Pure."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from copies.mask import mask
from rules.language import kinds
from rules.types.checks import text_test, without_arguments
from rules.types.question_type import QuestionType
from rules.types.text_input import LINE_LENGTH, pattern_cleaner

_VIN: Final = re.compile(r"[A-HJ-NPR-Z0-9]{17}", re.ASCII)
_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VALUES: Final = dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9), strict=True)
)


def is_vin(text: str, allow_test: bool = False) -> bool:
    """Return whether the ninth character is the check digit (49 CFR 565.15: weighted sum modulo 11, ten is X)."""
    if not _VIN.fullmatch(text):
        return False
    weighted = zip(text, _WEIGHTS, strict=True)
    remainder = sum(int(_VALUES.get(character, character)) * weight for character, weight in weighted) % 11
    return text[8] == ("X" if remainder == 10 else str(remainder))


VIN: Final = QuestionType(
    code="vin",
    kind=kinds.TEXT,
    # Vehicles built before 1981 have shorter numbers without a check digit.
    cleaner=pattern_cleaner(r"[A-Z0-9]{5,17}", code="vin", text="Enter a VIN of 5 to 17 letters and digits."),
    max_length=LINE_LENGTH,
    mask=mask,
    validators=MappingProxyType(
        {
            "vin_check_digit": without_arguments(
                "vin_check_digit", text_test(is_vin, "The VIN's check digit is wrong. Check the number for a typo.")
            )
        }
    ),
)
