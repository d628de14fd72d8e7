"""The type ``email``: an email address at a domain. Pure."""

from __future__ import annotations

import re
from typing import Final

from rules.language import kinds
from rules.types.checks import Check, text_test
from rules.types.question_type import QuestionType
from rules.types.text_input import LINE_LENGTH, text_cleaner, unchanged

_EMAIL: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?=.{4,253}\Z)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{1,62}"
)


def is_email(text: str, allow_test: bool = False) -> bool:
    """Return whether ``text`` has the form of an email address at a domain."""
    local = text.partition("@")[0]
    return bool(_EMAIL.fullmatch(text)) and not (local.startswith(".") or local.endswith(".") or ".." in local)


EMAIL: Final = QuestionType(
    code="email",
    kind=kinds.TEXT,
    cleaner=text_cleaner(unchanged),
    max_length=LINE_LENGTH,
    checks=(Check("email", text_test(is_email, "This is not a valid email address.")),),
    input_mode="email",
)
