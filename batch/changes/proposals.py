"""Proposed values of a document or model: many at once, checked as a whole; confirmed or dismissed by a person. Pure.

A proposal is no answer: rules, prices, search and webhooks do not read it until it is confirmed. A renewal proposes
the answers of the term before by the same means (``scenarios.renewed_document``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from batch.changes.changeset import Changeset
from batch.changes.free_texts import clean_line
from batch.changes.input import CLEARING
from batch.changes.mutators.answers import AnswerMutator
from batch.changes.submitted_values import Unchanged
from batch.changes.tracker import Origin
from batch.errors import (
    AnswerFault,
    InvalidAnswers,
    LooksSensitive,
    ProposalChanged,
    ReadOnlyAnswer,
    UnknownPart,
    WrongValue,
)
from copies.document import Answer, AnswerValue, Document, Proposal, ProposalSource, walk_answers
from rules.types.cleaning import InvalidValue

#: In characters: the name of a document or model, and a place in it.
MAX_NAME: Final = 200
MAX_LOCATOR: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class ProposedValue:
    """A value to propose for the answer at ``path``; ``pointer`` is its place in the request."""

    path: str
    value: object
    locator: str = ""
    confidence: float | None = None
    pointer: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pick:
    """A proposal to confirm or dismiss: its place, and its id as the person has read it."""

    path: str
    key: str
    pointer: str = ""


def propose(changeset: Changeset, values: Sequence[ProposedValue], *, type_: str, name: str) -> list[str]:
    """Propose ``values`` out of the source ``name``, in place of earlier proposals there; return the paths that
    changed.

    Raises ``InvalidAnswers`` with every fault, ``WrongValue`` and ``LooksSensitive`` for the name of the source; then
    nothing was changed.
    """
    changeset.tracker.require_writable()
    name = clean_line(name, field="name", most=MAX_NAME)
    faults: list[AnswerFault] = []
    steps: list[Callable[[], tuple[str, bool]]] = []
    seen: set[str] = set()
    for value in values:
        try:
            if value.path in seen:
                raise _Fault("duplicate_path", "This answer is proposed twice in one request.")
            seen.add(value.path)
            locator = clean_line(value.locator, field="locator", most=MAX_LOCATOR)
            steps.append(_step(changeset, value, ProposalSource(type_, name, locator, value.confidence)))
        except _Fault as fault:
            faults.append(AnswerFault(value.path, fault.code, fault.text, value.pointer))
        except (WrongValue, LooksSensitive) as error:
            faults.append(AnswerFault(value.path, error.code, str(error), f"{value.pointer}/locator"))
    if faults:
        raise InvalidAnswers(faults)
    return [path for path, is_changed in (step() for step in steps) if is_changed]


def list_proposals(document: Document) -> Iterator[tuple[str, Answer, Proposal]]:
    """Yield path, answer and proposal of each proposed value, in the order of the document."""
    for path, answer in walk_answers(document):
        if answer.proposed is not None:
            yield path, answer, answer.proposed


def accept(changeset: Changeset, picks: Iterable[Pick]) -> None:
    """Make the picked proposals the actor's answers.

    Raises ``ProposalChanged`` if one is no longer as it was read, ``InvalidAnswers`` with the values that do not fit
    their questions any more; then nothing was changed.
    """
    faults: list[AnswerFault] = []
    for pick, mutator in _picked(changeset, picks):
        try:
            mutator.keep_proposed()
        except InvalidAnswers as error:
            faults += [AnswerFault(fault.path, fault.code, fault.text, pick.pointer) for fault in error.faults]
        except ReadOnlyAnswer:
            faults.append(AnswerFault(pick.path, ReadOnlyAnswer.code, "This answer is read-only.", pick.pointer))
        changeset.tracker.origins[mutator.path] = Origin(pick.path, pick.pointer)
    if faults:
        raise InvalidAnswers(faults)


def dismiss(changeset: Changeset, picks: Iterable[Pick]) -> None:
    """Take the picked proposals away; the answers stay. Raises ``ProposalChanged``; then nothing was changed."""
    for _, mutator in _picked(changeset, picks):
        mutator.dismiss_proposed()


class _Fault(Exception):
    """What is wrong with one value."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def _step(changeset: Changeset, value: ProposedValue, source: ProposalSource) -> Callable[[], tuple[str, bool]]:
    """Return the step that proposes ``value``, once it is checked. Raises ``_Fault``."""
    try:
        mutator = changeset.find_answer(value.path)
        cleaned = mutator.read_submitted(value.value)
    except UnknownPart as error:
        raise _Fault(error.code, str(error)) from error
    except InvalidValue as error:
        raise _Fault(error.code, error.text) from error
    if mutator.is_secret:
        raise _Fault("secret_not_proposable", "A secret answer is never proposed. Ask a person to enter it.")
    if mutator.is_readonly:
        raise _Fault(ReadOnlyAnswer.code, "This answer is read-only.")
    if isinstance(cleaned, Unchanged) or cleaned in CLEARING:
        raise _Fault("nothing_proposed", "Propose a value. A proposal cannot clear an answer.")
    return partial(_propose, mutator, cleaned, source)


def _propose(mutator: AnswerMutator, value: AnswerValue, source: ProposalSource) -> tuple[str, bool]:
    return mutator.path, mutator.propose(value, source)


def _picked(changeset: Changeset, picks: Iterable[Pick]) -> list[tuple[Pick, AnswerMutator]]:
    """Return each pick with the mutator of its answer. Raises ``ProposalChanged`` with all that are not as read."""
    found: list[tuple[Pick, AnswerMutator]] = []
    changed: list[str] = []
    for pick in picks:
        try:
            mutator = changeset.find_answer(pick.path)
            proposed = mutator.proposed
        except UnknownPart:
            proposed = None
        if proposed is None or proposed.key != pick.key:
            changed.append(pick.path)
        else:
            found.append((pick, mutator))
    if changed:
        raise ProposalChanged(changed)
    return found
