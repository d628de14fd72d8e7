"""The type ``multi_choice``: the codes of any number of choices of a list, in the order of the catalogue. Pure."""

from __future__ import annotations

import operator
from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from copies.document import AnswerValue
from rules.language import kinds
from rules.types.checks import CheckTest, ValidatorMaker, require_count, whole_argument
from rules.types.choice import CODE_LENGTH, clean_choice
from rules.types.question_type import QuestionType
from rules.types.text_input import InputContext, InvalidValue


def _clean(raw: object, max_length: int, context: InputContext) -> AnswerValue:
    choices = context.choices
    if not isinstance(raw, list):
        raise InvalidValue("wrong_type", "Must be a list of choices.")
    if len(raw) > 10 * len(choices) + 10:
        raise InvalidValue("too_long", "The list is too long.")
    chosen = {clean_choice(item, max_length, choices) for item in raw}
    if None in chosen:
        raise InvalidValue("unknown_choice", "This is not one of the choices.")
    # The order of the catalogue makes equal selections equal answers.
    return [code for code in choices if code in chosen]


def _items(name: str, is_beyond: Callable[[int, int], bool], words: str) -> ValidatorMaker:
    def make(args: list[str]) -> CheckTest:
        require_count(args, 1, f"{name}:1")
        limit = whole_argument(args[0], f"{name}:1")
        return lambda value, context: f"Choose at {words} {limit}." if is_beyond(len(value), limit) else None

    return make


MULTI_CHOICE: Final = QuestionType(
    code="multi_choice",
    kind=kinds.TEXTS,
    cleaner=_clean,
    max_length=CODE_LENGTH,
    has_choices=True,
    validators=MappingProxyType(
        {
            "min_items": _items("min_items", operator.lt, "least"),
            "max_items": _items("max_items", operator.gt, "most"),
        }
    ),
    widget="checks",
)
