"""Finds the parts of a catalogue that depend on the evaluation date. Pure.

A part that cannot be proved independent of the date counts as dependent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from rules.definition.model import CompiledQuestion, DayReaders
from rules.language import kinds
from rules.language.expressions import AS_OF, Expression
from rules.types.registry import type_of

_AS_OF: Final = re.compile(rf"\b{AS_OF}\b")
#: Types whose own checks may compare a number or a text with the current year.
_TYPES_WITH_YEARS: Final = frozenset({"year", "vin"})


def find_day_readers(
    expressions: Iterable[Expression], questions: Mapping[str, CompiledQuestion], *, has_days: bool = False
) -> DayReaders:
    """Return the readers of the evaluation date among all texts and questions of a catalogue; ``has_days`` marks one
    with surplus rules that begin or end on a day.
    """
    by_pool: dict[str, set[str]] = {}
    for code, question in questions.items():
        if _is_dated(question):
            by_pool.setdefault(question.pool, set()).add(code)
    return DayReaders(
        is_in_texts=has_days or any(_AS_OF.search(expression.source) for expression in expressions),
        questions=MappingProxyType({pool: frozenset(codes) for pool, codes in by_pool.items()}),
    )


def _is_dated(question: CompiledQuestion) -> bool:
    if not question.checks:
        return False
    definition = question.question
    if type_of(definition.type).kind == kinds.DATE or definition.type in _TYPES_WITH_YEARS:
        return True
    return any(_AS_OF.search(text) for text in definition.validate)
