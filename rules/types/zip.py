"""The type ``zip``: a five-digit ZIP code; the four digits of a ZIP+4 are dropped. Pure."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from rules.language import kinds
from rules.language.values import Value
from rules.types.checks import Check, CheckContext, Doubt, text_test, without_arguments
from rules.types.question_type import QuestionType
from rules.types.text_input import LINE_LENGTH, InvalidValue, typed_cleaner
from rules.zip_codes import is_listed, states_near

_ZIP: Final = re.compile(r"([0-9]{5})(?: ?[-\u2010-\u2015\u2212 ]? ?[0-9]{4})?")


def read_zip(text: str) -> str:
    """Return the five digits of a ZIP code or a ZIP+4. Raises ``InvalidValue``."""
    match = _ZIP.fullmatch(text)
    if match is None:
        raise InvalidValue("zip5", "Enter a five-digit ZIP code, or nine digits such as 78701-1234.")
    return match[1]


def is_zip(text: str, allow_test: bool = False) -> bool:
    """Return whether ``text`` has the five digits of a ZIP code."""
    return bool(re.fullmatch("[0-9]{5}", text))


def unknown_zip(value: str) -> str | None:
    """Return the warning about a ZIP code that is not in the list; the USPS adds some every month."""
    if not is_zip(value) or is_listed(value):
        return None
    near = " and ".join(sorted(states_near(value)))
    place = f" Its first three digits are those of {near}." if near else ""
    return Doubt(f"This ZIP code is not in the list of 2026.{place}")


def _is_known(value: Value, context: CheckContext) -> str | None:
    return unknown_zip(value)


ZIP: Final = QuestionType(
    code="zip",
    kind=kinds.TEXT,
    cleaner=typed_cleaner(read_zip),
    max_length=LINE_LENGTH,
    checks=(Check("zip_unknown", _is_known),),
    validators=MappingProxyType({"zip5": without_arguments("zip5", text_test(is_zip, "A ZIP code has five digits."))}),
    input_mode="numeric",
)
