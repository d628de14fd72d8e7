"""Where the questions of a set stand: a column that never changes, and dependent questions below their cause. Pure.

The places depend on the catalogue only (its keys ``width`` and ``below``, else types and conditions), never on the
answers. So a question that appears or disappears moves no other to another column.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from rules.definition.catalogue import Question
from rules.definition.model import CompiledCatalogue
from rules.types.long_text import LONG_TEXT

#: Answers that are short enough for a third of a line, if their label is too.
_SHORT: Final = frozenset({"zip", "year", "percent", "integer", "number", "decimal", "money", "date", "boolean"})
_SHORT_LABEL: Final = 30
#: Answers that need a whole line; and the longest label that fits in half a line.
_FULL: Final = frozenset({LONG_TEXT.code, "multi_choice"})
_LONG_LABEL: Final = 50
FULL: Final = "full"
#: The condition of a question that is always shown with its set.
_ALWAYS: Final = ("", ())


@dataclass(frozen=True)
class Place:
    """The place of a question in a line: "full", or which part of how many, as in "2-of-3"; "" is the next free one.

    ``after`` is the code of the question in the same set whose answer shows this one, "" without one.
    """

    part: str = ""
    after: str = ""


def place_questions(
    catalogue: CompiledCatalogue, set_code: str, is_asked: Callable[[str], bool]
) -> tuple[tuple[Question, Place], ...]:
    """Return the questions of the set ``set_code`` that ``is_asked`` accepts by code, in the order of the page.

    A dependent question follows its cause. The others keep the catalogue's order.
    """
    questions = [found for found in catalogue.sets[set_code].question_set.questions if is_asked(found.code)]
    codes = [question.code for question in questions]
    below: dict[str, list[Question]] = defaultdict(list)
    for question in questions:
        below[_cause(catalogue, question.code, codes)].append(question)
    return tuple(_placed(below, ""))


def _cause(catalogue: CompiledCatalogue, code: str, codes: list[str]) -> str:
    """Return the question among ``codes`` that ``code`` is below, by default the last that decides whether it is shown;
    "" without one.
    """
    below = catalogue.questions[code].question.below
    if below in codes:
        return below
    when = catalogue.questions[code].when
    read = _questions_read(catalogue, when.reads, set()) if when else set[str]()
    return next((found for found in reversed(codes) if found in read), "")


def _questions_read(catalogue: CompiledCatalogue, reads: Iterable[str], seen: set[str]) -> set[str]:
    """Return the codes of ``reads`` with what derived values among them read."""
    for code in reads:
        if code not in seen:
            seen.add(code)
            if code in catalogue.derived:
                _questions_read(catalogue, catalogue.derived[code].value.reads, seen)
    return seen


def _placed(below: dict[str, list[Question]], cause: str) -> Iterator[tuple[Question, Place]]:
    """Yield the questions below ``cause`` ("" for those without one), each followed by those below it."""
    for line in _lines(below, below.get(cause, [])):
        for number, question in enumerate(line, 1):
            is_alone = len(line) == 1 and (bool(cause) or _is_full(question))
            yield question, Place(FULL if is_alone else f"{number}-of-{max(2, len(line))}", cause)
        yield from _placed(below, line[-1].code)


def _lines(below: dict[str, list[Question]], questions: list[Question]) -> Iterator[list[Question]]:
    """Yield the lines of ``questions``: three short ones, two of any length, or one.

    A line ends at a cause. No question stands at the right of one that may be hidden without it.
    """
    run: list[Question] = []
    for question in questions:
        if run and (below.get(run[-1].code) or _condition(run[-1]) not in (_ALWAYS, _condition(question))):
            yield from _split(run)
            run = []
        run.append(question)
    yield from _split(run)


def _split(run: list[Question]) -> Iterator[list[Question]]:
    while run:
        short = next((place for place, question in enumerate(run) if not _is_short(question)), len(run))
        number = 3 if short >= 3 and short != 4 else 2
        if _is_full(run[0]) or _is_full(run[min(1, len(run) - 1)]):
            number = 1
        yield run[:number]
        run = run[number:]


def _condition(question: Question) -> tuple[object, ...]:
    return question.when, question.products


def _is_short(question: Question) -> bool:
    if question.width:
        return question.width == "third"
    return question.type in _SHORT and len(question.label) <= _SHORT_LABEL


def _is_full(question: Question) -> bool:
    if question.width:
        return question.width == FULL
    return question.type in _FULL or len(question.label) > _LONG_LABEL
