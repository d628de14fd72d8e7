"""The type ``fein``: a federal tax ID (EIN), stored as ``12-3456789``. Pure."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from copies.mask import mask
from rules.language import kinds
from rules.types.checks import text_test, without_arguments
from rules.types.question_type import QuestionType
from rules.types.text_input import LINE_LENGTH, pattern_cleaner

#: Prefixes that the IRS has not assigned to a campus (irs.gov, "How EINs are assigned and valid EIN prefixes").
_UNASSIGNED_PREFIXES: Final = frozenset("00 07 08 09 17 18 19 28 29 49 69 70 78 79 89 96 97".split())
#: Only a catalogue that allows test identities takes this one.
_TEST_PREFIX: Final = "00"


def is_ein(text: str, allow_test: bool) -> bool:
    """Return whether ``text`` (``12-3456789``) has a prefix that the IRS assigns."""
    if not re.fullmatch(r"[0-9]{2}-[0-9]{7}", text):
        return False
    return text[:2] not in _UNASSIGNED_PREFIXES or (allow_test and text.startswith(_TEST_PREFIX))


FEIN: Final = QuestionType(
    code="fein",
    kind=kinds.TEXT,
    cleaner=pattern_cleaner(
        r"\d{9}", lambda bare: f"{bare[:2]}-{bare[2:]}", code="fein", text="Enter a nine-digit federal tax ID."
    ),
    max_length=LINE_LENGTH,
    mask=mask,
    validators=MappingProxyType(
        {"fein": without_arguments("fein", text_test(is_ein, "This is not a federal tax ID that the IRS issues."))}
    ),
)
