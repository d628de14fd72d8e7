"""The type ``boolean``: yes or no. Pure."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from copies.document import AnswerValue
from rules.language import kinds
from rules.types.checks import without_arguments
from rules.types.question_type import QuestionType
from rules.types.text_input import InputContext, InvalidValue, typed_text

_LABELS: Final = MappingProxyType({"true": "Yes", "false": "No"})
_VALUES: Final = {"true": True, "false": False}
_WORDS: Final = {**_VALUES, "yes": True, "no": False, "y": True, "n": False}


def _clean(raw: object, max_length: int, context: InputContext) -> AnswerValue:
    if isinstance(raw, bool):
        return raw
    word = typed_text(raw, max_length).casefold() if isinstance(raw, str) else None
    if word == "":
        return None
    if word not in _WORDS:
        raise InvalidValue("wrong_type", "Answer yes or no.")
    return _WORDS[word]


def _read_input(entered: object) -> object:
    return _VALUES.get(str(entered), entered or None)


BOOLEAN: Final = QuestionType(
    code="boolean",
    kind=kinds.TRUTH,
    cleaner=_clean,
    max_length=max(map(len, _VALUES)),
    validators=MappingProxyType(
        {
            "must_be_true": without_arguments(
                "must_be_true", lambda value, context: None if value is True else "This must be confirmed."
            )
        }
    ),
    labels=_LABELS,
    widget="segments",
    read_input=_read_input,
)
