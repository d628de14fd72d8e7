"""Finds the values that the change of an answer or row can reach, whatever the answers are. Pure.

A partial run follows a change through one document and stops where nothing moved. Here the document is open: the
result holds for every document of the catalogue, and so also for mixtures of two.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import TypeAlias

from rules.definition.model import CompiledCatalogue, CompiledDerived, CompiledQuestion, Step

#: The codes of the questions, derived values and pools that a change can reach, each with the path prefix of the
#: document ("") or row in and below which its values may change.
Reach: TypeAlias = Mapping[str, str]


def reach_of(
    catalogue: CompiledCatalogue, changed: Iterable[tuple[str, str]], *, open_questions: Container[str] = ()
) -> Reach:
    """Return the reach of a change at some values, each a code with the prefix of its document or row.

    ``open_questions`` are carrier questions that are asked whatever their products decide.
    """
    reached: dict[str, str] = {}
    waiting = list(changed)
    readers = catalogue.dependents.readers
    while waiting:
        code, scope = waiting.pop()
        known = reached.get(code)
        if known is not None:
            if scope.startswith(known):
                continue
            scope = scope if known.startswith(scope) else ""
        reached[code] = scope
        if code in readers:
            for reader in readers[code].steps:
                step = catalogue.steps[reader.place]
                if not _is_read_by_gates_alone(step, code, open_questions):
                    waiting += _values_of(catalogue, step, scope if reader.is_local else "")
    return reached


def values_of_row(catalogue: CompiledCatalogue, pool: str, *, owner: str, row: str) -> Iterator[tuple[str, str]]:
    """Yield the values that an added or removed row changes: its pool below ``owner``, and the pools inside ``row``."""
    yield pool, owner
    for code in (*catalogue.pools[pool].questions, *catalogue.pools[pool].children):
        yield from ((code, row),) if code in catalogue.questions else values_of_row(catalogue, code, owner=row, row=row)


def family_of(catalogue: CompiledCatalogue, pool: str) -> Iterator[str]:
    """Yield the codes of ``pool``, of its questions, and of the pools inside it with theirs."""
    part = catalogue.pools[pool]
    yield pool
    yield from part.questions
    for child in part.children:
        yield from family_of(catalogue, child)


def _is_read_by_gates_alone(step: Step, code: str, open_questions: Container[str]) -> bool:
    return (
        isinstance(step, CompiledQuestion)
        and step.question.code in open_questions
        and (step.when is None or code not in step.when.reads)
    )


def _values_of(catalogue: CompiledCatalogue, step: Step, scope: str) -> Iterator[tuple[str, str]]:
    if isinstance(step, CompiledQuestion):
        yield step.question.code, scope
    elif isinstance(step, CompiledDerived):
        yield step.derived.code, ""
    elif not step.pool:
        yield from ((question.code, "") for question in step.question_set.questions)
    else:
        yield from ((code, scope) for code in family_of(catalogue, step.pool))
