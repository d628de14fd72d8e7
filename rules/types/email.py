"""The type ``email``: an email address at a domain, stored with its domain in small letters. Pure.

Letters beyond ASCII are taken on both sides of the @, as mail systems do (SMTPUTF8, IDNA).
"""

from __future__ import annotations

from typing import Final

from email_validator import EmailNotValidError, validate_email

from rules.language import kinds
from rules.types.question_type import QuestionType
from rules.types.text_input import InvalidValue, typed_cleaner

#: The longest address that mail systems carry (RFC 5321).
_MAX_LENGTH: Final = 254


def read_email(text: str) -> str:
    """Return an email address as mail systems compare it. Raises ``InvalidValue``."""
    try:
        return validate_email(text, check_deliverability=False, strict=True).normalized
    except EmailNotValidError as error:
        raise InvalidValue("email", "Enter an email address such as name@example.com.") from error


def is_email(text: str, allow_test: bool = False) -> bool:
    """Return whether ``text`` has the form of an email address at a domain."""
    try:
        read_email(text)
    except InvalidValue:
        return False
    return True


EMAIL: Final = QuestionType(
    code="email",
    kind=kinds.TEXT,
    cleaner=typed_cleaner(read_email),
    max_length=_MAX_LENGTH,
    input_mode="email",
)
