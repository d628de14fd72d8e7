"""The type ``naics``: an industry code of NAICS 2022, with two to six digits. Pure."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from copies.document import AnswerValue
from rules.language import kinds
from rules.language.values import Value
from rules.reference_data import industries, is_industry, old_industries
from rules.types.checks import CheckContext, without_arguments
from rules.types.formats import plain_text
from rules.types.question_type import QuestionType
from rules.types.text_input import pattern_cleaner

#: The most successors of an old code that an error message lists.
_LISTED: Final = 6


def _check(value: Value, context: CheckContext) -> str | None:
    if is_industry(value):
        return None
    old = old_industries().get(value)
    if old is None:
        return "This is not a six-digit NAICS code."
    listed = ", ".join(f"{code} {industries()[code]}" for code in old.successors[:_LISTED])
    more = len(old.successors) - _LISTED
    return f"{value} became {listed}{f' and {more} others' if more > 0 else ''}. Choose a code of NAICS 2022."


def _read_input(entered: object) -> object:
    if not isinstance(entered, str):
        return entered
    # The input contains "722511 Full-service restaurants": the code comes first.
    code = entered.strip().partition(" ")[0]
    return code if code.isdigit() else entered


def _input_text(value: AnswerValue) -> str:
    code = plain_text(value)
    return f"{code} {industries().get(code, '')}".strip()


def _display(value: AnswerValue, currency: str) -> str:
    """Return a code with its title, also of NAICS 2017: ``722511 · Full-Service Restaurants``."""
    code = plain_text(value)
    old = old_industries().get(code)
    title = industries().get(code) or (old.title if old else "")
    return f"{code} · {title}" if title else code


NAICS: Final = QuestionType(
    code="naics",
    kind=kinds.TEXT,
    cleaner=pattern_cleaner(r"\d{2,6}", code="naics", text="Enter a NAICS code of two to six digits."),
    max_length=200,
    validators=MappingProxyType({"naics6": without_arguments("naics6", _check)}),
    widget="search",
    placeholder="Search by words or code",
    read_input=_read_input,
    input_text=_input_text,
    display=_display,
)
