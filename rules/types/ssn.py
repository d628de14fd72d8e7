"""The type ``ssn``: a Social Security number, stored as ``123-45-6789``. Pure."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from copies.mask import mask
from rules.language import kinds
from rules.types.checks import text_test, without_arguments
from rules.types.question_type import QuestionType
from rules.types.text_input import LINE_LENGTH, pattern_cleaner

_SSN: Final = re.compile(r"(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}", re.ASCII)
#: Numbers that were printed in advertisements and are void.
_VOID: Final = frozenset({"078-05-1120", "219-09-9999"})
#: Reserved for advertisements; only a catalogue that allows test identities takes them.
_TEST_SSN: Final = re.compile(r"987-65-432\d", re.ASCII)


def is_ssn(text: str, allow_test: bool) -> bool:
    """Return whether ``text`` (``123-45-6789``) can be issued: no area 000, 666 or 9xx, no group 00, no serial 0000."""
    if allow_test and _TEST_SSN.fullmatch(text):
        return True
    return bool(_SSN.fullmatch(text)) and text not in _VOID


SSN: Final = QuestionType(
    code="ssn",
    kind=kinds.TEXT,
    cleaner=pattern_cleaner(
        r"\d{9}",
        lambda bare: f"{bare[:3]}-{bare[3:5]}-{bare[5:]}",
        code="ssn",
        text="Enter a nine-digit Social Security number.",
    ),
    max_length=LINE_LENGTH,
    mask=mask,
    validators=MappingProxyType(
        {"ssn": without_arguments("ssn", text_test(is_ssn, "This is not a valid Social Security number."))}
    ),
)
