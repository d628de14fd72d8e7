"""The type ``phone``: a US phone number, stored as its ten digits. Pure."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from copies.mask import mask
from rules.language import kinds
from rules.types.checks import text_test, without_arguments
from rules.types.question_type import QuestionType
from rules.types.text_input import LINE_LENGTH, pattern_cleaner

_PHONE: Final = re.compile(r"[2-9](?!11)\d{2}[2-9](?!11)\d{6}", re.ASCII)
#: 555-0100 to 555-0199 are reserved for fiction; only a catalogue that allows test identities takes them.
_TEST_PHONE: Final = re.compile(r"\d{3}55501\d{2}", re.ASCII)


def is_phone(text: str, allow_test: bool) -> bool:
    """Return whether ten digits follow the North American Numbering Plan."""
    return bool(_PHONE.fullmatch(text)) and (allow_test or not _TEST_PHONE.fullmatch(text))


PHONE: Final = QuestionType(
    code="phone",
    kind=kinds.TEXT,
    cleaner=pattern_cleaner(
        r"(\+?1)?\d{10}", lambda bare: bare[-10:], code="us_phone", text="Enter a ten-digit US phone number."
    ),
    max_length=LINE_LENGTH,
    mask=mask,
    validators=MappingProxyType(
        {"us_phone": without_arguments("us_phone", text_test(is_phone, "This is not a valid US phone number."))}
    ),
    input_mode="tel",
)
