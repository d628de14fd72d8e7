"""The type ``boolean``: yes or no. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from copies.document import AnswerValue
from rules.language import kinds
from rules.types.checks import without_arguments
from rules.types.question_type import QuestionType
from rules.types.text_input import InvalidValue

_LABELS: Final = MappingProxyType({"true": "Yes", "false": "No"})
_VALUES: Final = {"true": True, "false": False}


def _clean(raw: object, max_length: int, choices: Mapping[str, str]) -> AnswerValue:
    if not isinstance(raw, bool):
        raise InvalidValue("wrong_type", "Must be true or false.")
    return raw


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
