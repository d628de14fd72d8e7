"""Puts plain questions together, so that one loop decides them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from rules.definition.model import CompiledQuestion, PlainQuestion, PlainQuestions, Step


def plan_of(steps: Iterable[Step]) -> tuple[Step | PlainQuestions, ...]:
    """Return ``steps`` in their order, with consecutive plain questions of one set as one part."""
    return tuple(part for set_code, group in groupby(steps, _set_of_plain) for part in _parts(set_code, group))


def _set_of_plain(step: Step) -> str:
    """Return the set of a question whose visibility and requirement depend on no value, else ""."""
    if not isinstance(step, CompiledQuestion) or step.gates:
        return ""
    return step.set_code if step.when is None and step.required_when is None else ""


def _parts(set_code: str, group: Iterable[Step]) -> Iterator[Step | PlainQuestions]:
    if not set_code:
        yield from group
        return
    questions = [step for step in group if isinstance(step, CompiledQuestion)]
    yield PlainQuestions(set_code, questions[0].pool, tuple(map(_plain, questions)))


def _plain(part: CompiledQuestion) -> PlainQuestion:
    return PlainQuestion(part.question.code, part.slot, part.required, part.read, part.verdicts.sound, part)
