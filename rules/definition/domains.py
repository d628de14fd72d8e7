"""The values that the answers to a question can have, for the checker of conditions. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from copies.document import AnswerValue
from rules.definition.catalogue import CatalogueDefinition, Question
from rules.language.domains import shown
from rules.language.kinds import Kind
from rules.reference_data import industries, old_industries
from rules.types.cleaning import InvalidValue, clean
from rules.types.long_text import LONG_TEXT
from rules.types.multi_choice import MULTI_CHOICE
from rules.types.naics import NAICS
from rules.types.question_type import TypedQuestion
from rules.types.registry import type_of
from rules.types.text import TEXT
from rules.types.zip import ZIP

#: Values that answers to numbers and dates can have: a limit is on one side of them.
_SAMPLES: Final[tuple[Any, ...]] = (2000, 1, 0, date(2000, 1, 1))
#: What can follow the beginning of an answer.
_ENDINGS: Final = ("", "x", *("0" * length for length in range(1, 6)))
#: Types whose answers are recognized by a part of their text.
_PROBED: Final = frozenset((TEXT.code, LONG_TEXT.code, ZIP.code))


def kind_of(question: Question, definition: CatalogueDefinition) -> Kind:
    """Return the kind of a question's value, limited to what its answers can be."""
    question_type = type_of(question.type)
    kind = question_type.kind
    if question_type.has_choices and question.choices not in definition.choices:
        return kind
    limited = kind.within(QuestionDomain(question, definition))
    return Kind("list", limited.of, is_set=True) if question.type == MULTI_CHOICE.code else limited


@dataclass(frozen=True, eq=False)
class QuestionDomain:
    """The answers to ``question``: what cleaning gives back unchanged."""

    question: Question
    definition: CatalogueDefinition

    @property
    def name(self) -> str:
        """Return the question's code."""
        return self.question.code

    @property
    def choices(self) -> Mapping[str, str]:
        """Return the labels of the question's choices by code; empty for questions without."""
        if not type_of(self.question.type).has_choices:
            return {}
        return self.definition.choices.get(self.question.choices, {})

    def holds(self, value: Any) -> bool:
        """Return whether an answer can equal ``value``."""
        try:
            cleaned = self._cleaned(value)
        except InvalidValue:
            return False
        if cleaned is None or (self.question.type == NAICS.code and value not in industry_prefixes()):
            return False
        return bool(self._value_of(cleaned) == value)

    def passes(self, test: str, text: str) -> bool:
        """Return whether an answer can pass a text test; True where that cannot be known."""
        if self.choices:
            compare = {"startsWith": str.startswith, "endsWith": str.endswith, "contains": str.__contains__}[test]
            return any(compare(code, text) for code in self.choices)
        if self.question.type == NAICS.code:
            return test != "startsWith" or text in industry_prefixes()
        if self.question.type not in _PROBED:
            return True
        begin = "" if test == "startsWith" else "x"
        endings = ("",) if test == "endsWith" else _ENDINGS
        return (self.question.type == ZIP.code and test != "startsWith") or any(
            self._contains(f"{begin}{text}{ending}", text) for ending in endings
        )

    def order(self, value: Any) -> int:
        """Return -1 or 1 if ``value`` is below or above every answer, else 0."""
        try:
            self._cleaned(value)
        except InvalidValue as error:
            if error.code == "not_whole":
                return 0
            for sample in _SAMPLES:
                if isinstance(sample, date) == isinstance(value, date) and self.holds(sample):
                    return -1 if value < sample else 1
        return 0

    def remedy(self, value: Any) -> str:
        """Return what to write instead of ``value``."""
        if value == "":
            return f"Write !answered({self.name}) to test that there is no answer."
        try:
            cleaned = self._cleaned(value)
        except InvalidValue as error:
            return error.text
        if cleaned is None:
            return f"Write !answered({self.name}) to test that there is no answer."
        meant = self._value_of(cleaned)
        if meant != value:
            return f"Write {shown(meant)}."
        return industry_remedy(str(value))

    def _contains(self, probe: str, text: str) -> bool:
        try:
            return text in str(self._cleaned(probe))
        except InvalidValue:
            return False

    def _cleaned(self, value: Any) -> AnswerValue:
        raw: object = value
        if isinstance(value, date):
            raw = value.isoformat()
        elif isinstance(value, Decimal):
            raw = float(value)
        if self.question.type == MULTI_CHOICE.code:
            raw = [value]
        return clean(_Input(self.definition), self.question, raw)

    def _value_of(self, cleaned: AnswerValue) -> Any:
        value = type_of(self.question.type).reader(cleaned)
        return value[0] if isinstance(value, list) else value


@dataclass(frozen=True)
class _Input:
    """The parts of a definition that cleaning depends on."""

    definition: CatalogueDefinition

    @property
    def currency(self) -> str:
        return self.definition.currency

    def choices(self, question: TypedQuestion) -> Mapping[str, str]:
        return self.definition.choices.get(question.choices, {})


def industry_remedy(prefix: str) -> str:
    """Return what to write instead of the beginning of an industry code that NAICS 2022 does not have."""
    old = (item for code, item in old_industries().items() if code.startswith(prefix))
    successors = sorted({code[: len(prefix)] for item in old for code in item.successors})
    if len(successors) == 1:
        return f"In NAICS 2022 this is {successors[0]!r}."
    if successors:
        return f"NAICS 2022 divides it among {', '.join(successors)}."
    near = [code for code in industries() if len(code) == len(prefix) - 1 and prefix.startswith(code)]
    return f"NAICS 2022 has {near[0]!r}, but no such code in it." if near else "Search the code in NAICS 2022."


@lru_cache(maxsize=1)
def industry_prefixes() -> frozenset[str]:
    """Return everything that a six-digit industry code of NAICS 2022 can begin with."""
    whole = [code for code in industries() if len(code) == 6]
    return frozenset(code[:length] for code in whole for length in range(1, 7))
