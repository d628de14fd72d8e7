"""The type ``fein``: a federal tax ID (EIN), stored as ``12-3456789``. Pure."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from copies.mask import mask
from rules.language import kinds
from rules.types.checks import text_test, without_arguments
from rules.types.question_type import QuestionType
from rules.types.text_input import LINE_LENGTH, InvalidValue, typed_cleaner

#: Separators stand behind the prefix only: 123-45-6789 is a Social Security number. People write "EIN 12-3456789".
_FEIN: Final = re.compile(r"(?:F?EIN *[:#]? *)?([0-9]{2})[-\u2010-\u2015\u2212.\s]*([0-9]{7})", re.IGNORECASE)
#: Prefixes that the IRS has not assigned to a campus (irs.gov, "How EINs are assigned and valid EIN prefixes").
_UNASSIGNED_PREFIXES: Final = frozenset("00 07 08 09 17 18 19 28 29 49 69 70 78 79 89 96 97".split())
#: Only a catalogue that allows test identities takes this one.
_TEST_PREFIX: Final = "00"


def read_fein(text: str) -> str:
    """Return a federal tax ID as ``12-3456789``. Raises ``InvalidValue``."""
    match = _FEIN.fullmatch(text)
    if match is None:
        raise InvalidValue("fein", "Enter a nine-digit federal tax ID such as 12-3456789.")
    return f"{match[1]}-{match[2]}"


def is_ein(text: str, allow_test: bool) -> bool:
    """Return whether ``text`` (``12-3456789``) has a prefix that the IRS assigns."""
    if not re.fullmatch(r"[0-9]{2}-[0-9]{7}", text):
        return False
    if text.endswith("-0000000"):
        return False
    return text[:2] not in _UNASSIGNED_PREFIXES or (allow_test and text.startswith(_TEST_PREFIX))


FEIN: Final = QuestionType(
    code="fein",
    kind=kinds.TEXT,
    cleaner=typed_cleaner(read_fein),
    max_length=LINE_LENGTH,
    mask=mask,
    validators=MappingProxyType(
        {"fein": without_arguments("fein", text_test(is_ein, "This is not a federal tax ID that the IRS issues."))}
    ),
)
