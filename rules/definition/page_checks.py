"""Checks the keys of questions that arrange the page: places, addresses and answers to take over. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from rules.definition.catalogue import CatalogueDefinition, Question, QuestionSet
from rules.definition.faults import CatalogueFault, closest
from rules.types.choice import CHOICE
from rules.types.long_text import LONG_TEXT
from rules.types.text import TEXT
from rules.types.zip import ZIP

#: The types of the parts of an address.
_PART_TYPES: Final = {"street": TEXT.code, "city": TEXT.code, "state": CHOICE.code, "zip": ZIP.code}
#: The types of answers that can be joined.
_JOINED: Final = frozenset({TEXT.code, LONG_TEXT.code})
_SPI: Final = "spi"


def page_faults(definition: CatalogueDefinition) -> Iterator[CatalogueFault]:
    """Yield the faults in ``below``, ``address``, ``same_as`` and ``same_as_label`` of all sets."""
    asked = {question.code: (question, part) for part in definition.question_sets for question in part.questions}
    for part in definition.question_sets:
        where = f"question_sets[{part.code}]"
        yield from _below(part, where)
        yield from _address(part, where)
        for question in part.questions:
            yield from _same_as(question, f"{where}.questions[{question.code}].same_as", asked)
        if part.same_as_label and not any(question.same_as for question in part.questions):
            problem = "No question of this set has same_as."
            yield CatalogueFault("wrong_value", f"{where}.same_as_label", problem, "Remove it, or add same_as.")


def _below(part: QuestionSet, where: str) -> Iterator[CatalogueFault]:
    above = {question.code: question.below for question in part.questions}
    for code, cause in above.items():
        place = f"{where}.questions[{code}].below"
        if cause and cause not in above:
            remedy = closest(cause, above, "question of this set")
            yield CatalogueFault("unknown_question", place, f"This set has no question {cause!r}.", remedy)
        seen: set[str] = set()
        while cause and cause not in seen and cause != code:
            seen.add(cause)
            cause = above.get(cause, "")
        if cause == code:
            yield CatalogueFault("cycle", place, f"{code!r} would be below itself.", "Name a question above it.")


def _address(part: QuestionSet, where: str) -> Iterator[CatalogueFault]:
    first: dict[str, str] = {}
    for question in part.questions:
        place = f"{where}.questions[{question.code}].address"
        wanted = _PART_TYPES.get(question.address)
        if wanted is None:
            continue
        if question.type != wanted:
            problem = f"The {question.address} of an address is a {wanted} question, not a {question.type} one."
            yield CatalogueFault("type_error", place, problem, "Remove it, or change the type.")
        if question.address in first:
            problem = f"{first[question.address]!r} is already the {question.address} of this set."
            yield CatalogueFault("wrong_value", place, problem, "A set asks for one address: divide the set.")
        first.setdefault(question.address, question.code)


def _same_as(
    question: Question, where: str, asked: Mapping[str, tuple[Question, QuestionSet]]
) -> Iterator[CatalogueFault]:
    for code in question.same_as:
        if code not in asked:
            remedy = closest(code, asked, "question")
            yield CatalogueFault("unknown_question", where, f"There is no question {code!r}.", remedy)
            continue
        source, part = asked[code]
        if part.pool or code == question.code:
            problem = f"The answer to {code!r} cannot be taken over here."
            yield CatalogueFault("wrong_place", where, problem, "Name another question that is asked only once.")
        if _SPI in (source.sensitivity, question.sensitivity):
            problem = "A secret answer (spi) is never taken over."
            yield CatalogueFault("sensitive", where, problem, "Remove it.")
        if not _fits(source, question):
            problem = f"A {question.type} question cannot take over {code!r}, a {source.type} question."
            yield CatalogueFault("type_error", where, problem, "Name a question of the same type and choices.")


def _fits(source: Question, question: Question) -> bool:
    if len(question.same_as) > 1:
        return {source.type, question.type} <= _JOINED
    return (source.type, source.choices) == (question.type, question.choices)
