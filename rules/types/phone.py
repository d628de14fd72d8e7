"""The type ``phone``: a US phone number, stored in E.164 with its extension (``+16145550101 x12``). Pure.

The plan of numbers is that of the ``phonenumbers`` package. Other countries of +1, such as Canada, are refused.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from phonenumbers import (
    NumberParseException,
    PhoneNumberType,
    is_valid_number,
    number_type,
    parse,
    region_code_for_number,
)

from copies.document import AnswerValue
from copies.mask import mask
from rules.language import kinds
from rules.types.checks import text_test, without_arguments
from rules.types.formats import plain_text
from rules.types.question_type import QuestionType
from rules.types.text_input import LINE_LENGTH, InvalidValue, typed_cleaner

#: The United States and their territories.
_REGIONS: Final = frozenset(("US", "PR", "VI", "GU", "AS", "MP", "UM"))
_STORED: Final = re.compile(r"\+1(\d{3})(\d{3})(\d{4})(?: x(\d{1,8}))?", re.ASCII)
_EXTENSION: Final = re.compile(
    r"(.*[0-9a-z)])[ ,.;]*(\()?(?:;ext=|ext(?:ension|n)?|x|#)[ .:=]*([0-9]{1,8})(?(2)\))", re.IGNORECASE
)
#: Ten digits, the last of them also as letters, behind the prefixes of calls from inside and from other countries.
_NUMBER: Final = re.compile(r"(?:\+1|001|0111|1)?([0-9]{3}(?:[0-9]{7}|[0-9A-Z]{7,12}))", re.IGNORECASE)
_DIGITS: Final = 10
#: The least letters of a number with letters: fewer are typos, such as O for 0.
_VANITY: Final = 3
_PUNCTUATION: Final = re.compile(r"[\s().,/\-\u2010-\u2015\u2212\u2022\u00b7]+")
#: 555-0100 to 555-0199 are reserved for fiction; only a catalogue that allows test identities takes them.
_TEST_PHONE: Final = re.compile(r"\+1\d{3}55501\d{2}(?: x\d+)?", re.ASCII)


def read_phone(text: str) -> str:
    """Return the phone number in ``text`` as it is stored. Raises ``InvalidValue`` for a number outside the US."""
    number, extension = text[4:] if text[:4].lower() == "tel:" else text, ""
    with_extension = _EXTENSION.fullmatch(number)
    if with_extension:
        number, extension = with_extension[1], f" x{with_extension[3]}"
    match = _NUMBER.fullmatch(_PUNCTUATION.sub("", number))
    digits, surplus = (match[1][:_DIGITS], match[1][_DIGITS:]) if match else ("", "")
    letters = sum(map(str.isalpha, digits))
    if not digits or 0 < letters < _VANITY or (surplus and not (letters and surplus.isalpha())):
        raise _invalid()
    # People dial no more than ten digits of a name that is longer, such as 1-800-MATTRESS.
    try:
        parsed = parse(f"+1{digits}", None)
    except NumberParseException as error:
        raise _invalid() from error
    if not is_valid_number(parsed) or region_code_for_number(parsed) not in _REGIONS:
        raise _invalid()
    # N11 is a service such as 911, and no office but in toll-free numbers.
    if digits[4:6] == "11" and number_type(parsed) != PhoneNumberType.TOLL_FREE:
        raise _invalid()
    return f"+1{parsed.national_number}{extension}"


def is_phone(text: str, allow_test: bool) -> bool:
    """Return whether ``text`` is a US phone number."""
    try:
        stored = read_phone(text)
    except InvalidValue:
        return False
    return allow_test or not _TEST_PHONE.fullmatch(stored)


def phone_text(value: AnswerValue) -> str:
    """Return a phone number as it is read and typed in the US: ``(614) 555-0101 x12``."""
    text = plain_text(value)
    stored = _STORED.fullmatch(text)
    if stored is None:
        return text
    area, office, line, extension = stored.groups()
    return f"({area}) {office}-{line}{f' x{extension}' if extension else ''}"


def _search_text(stored: str) -> str:
    """Return the words that find a phone number: its ten digits in one, and in groups as people write them."""
    shown = phone_text(stored)
    digits = "".join(filter(str.isdigit, shown.partition(" x")[0]))
    return f"{digits} {shown}"


def _invalid() -> InvalidValue:
    return InvalidValue("us_phone", "Enter a US phone number, such as (614) 555-2368 or 614-555-2368 x12.")


PHONE: Final = QuestionType(
    code="phone",
    kind=kinds.TEXT,
    cleaner=typed_cleaner(read_phone),
    max_length=LINE_LENGTH,
    mask=mask,
    validators=MappingProxyType(
        {"us_phone": without_arguments("us_phone", text_test(is_phone, "This is not a valid US phone number."))}
    ),
    input_mode="tel",
    input_text=phone_text,
    display=lambda value, currency: phone_text(value),
    search_text=_search_text,
)
