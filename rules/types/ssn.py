"""The type ``ssn``: a Social Security number or an ITIN, stored as ``123-45-6789``. Pure."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from copies.mask import mask
from rules.language import kinds
from rules.types.checks import text_test, without_arguments
from rules.types.question_type import QuestionType
from rules.types.text_input import LINE_LENGTH, InvalidValue, typed_cleaner

_BETWEEN: Final = r"[-\u2010-\u2015\u2212.\s]*"
#: Separators stand in two places only: 12-3456789 is a federal tax ID.
_WRITTEN: Final = re.compile(
    rf"(?:(?:SSN|ITIN) *[:#]? *)?([0-9]{{3}}){_BETWEEN}([0-9]{{2}}){_BETWEEN}([0-9]{{4}})", re.IGNORECASE
)
_SSN: Final = re.compile(r"(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}", re.ASCII)
#: The IRS gives taxpayers without an SSN a number with 9 and these groups (irs.gov, "Individual taxpayer
#: identification number"); other groups belong to adoptions and to nobody.
_ITIN: Final = re.compile(r"9\d{2}-(?:5\d|6[0-5]|7\d|8[0-8]|9[0-24-9])-\d{4}", re.ASCII)
#: Numbers that were printed in advertisements and are void.
_VOID: Final = frozenset({"078-05-1120", "219-09-9999", "457-55-5462"})
#: Reserved for advertisements; only a catalogue that allows test identities takes them.
_TEST_SSN: Final = re.compile(r"987-65-432\d", re.ASCII)


def read_ssn(text: str) -> str:
    """Return a Social Security number or an ITIN as ``123-45-6789``. Raises ``InvalidValue``."""
    match = _WRITTEN.fullmatch(text)
    if match is None:
        raise InvalidValue("ssn", "Enter a Social Security number or ITIN such as 123-45-6789.")
    return "-".join(match.groups())


def is_ssn(text: str, allow_test: bool) -> bool:
    """Return whether ``text`` (``123-45-6789``) can be issued: no area 000, 666 or 9xx, no group 00, no serial 0000."""
    if allow_test and _TEST_SSN.fullmatch(text):
        return True
    return bool(_SSN.fullmatch(text)) and text not in _VOID


def is_itin(text: str) -> bool:
    """Return whether ``text`` (``912-70-3456``) is a taxpayer identification number of a person without an SSN."""
    return bool(_ITIN.fullmatch(text)) and not _TEST_SSN.fullmatch(text)


def is_ssn_or_itin(text: str, allow_test: bool) -> bool:
    """Return whether ``text`` is a Social Security number or an ITIN."""
    return is_ssn(text, allow_test) or is_itin(text)


SSN: Final = QuestionType(
    code="ssn",
    kind=kinds.TEXT,
    cleaner=typed_cleaner(read_ssn),
    max_length=LINE_LENGTH,
    mask=mask,
    validators=MappingProxyType(
        {
            "ssn": without_arguments(
                "ssn", text_test(is_ssn_or_itin, "This is not a valid Social Security number or ITIN.")
            )
        }
    ),
)
