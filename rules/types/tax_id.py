"""The type ``tax_id``: the tax number of a person (SSN, ITIN) or a business (FEIN), in the form of its kind. Pure."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from copies.mask import mask
from rules.language import kinds
from rules.types.checks import text_test, without_arguments
from rules.types.fein import is_ein, read_fein
from rules.types.question_type import QuestionType
from rules.types.ssn import is_ssn_or_itin, read_ssn
from rules.types.text_input import LINE_LENGTH, InvalidValue, typed_cleaner


def read_tax_id(text: str) -> str:
    """Return a tax number as ``12-3456789`` or ``123-45-6789``; nine digits alone are those of a person.

    Raises ``InvalidValue``.
    """
    for read in (read_ssn, read_fein):
        try:
            return read(text)
        except InvalidValue:
            continue
    raise InvalidValue("tax_id", "Enter an SSN or ITIN such as 123-45-6789, or a federal tax ID such as 12-3456789.")


def is_tax_id(text: str, allow_test: bool) -> bool:
    """Return whether ``text`` is an SSN, an ITIN or a federal tax ID that can be issued."""
    return is_ssn_or_itin(text, allow_test) or is_ein(text, allow_test)


TAX_ID: Final = QuestionType(
    code="tax_id",
    kind=kinds.TEXT,
    cleaner=typed_cleaner(read_tax_id),
    max_length=LINE_LENGTH,
    mask=mask,
    validators=MappingProxyType(
        {
            "tax_id": without_arguments(
                "tax_id", text_test(is_tax_id, "This is not a valid SSN, ITIN or federal tax ID.")
            )
        }
    ),
)
