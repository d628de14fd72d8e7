"""A person's values in the content of one version: its document, evaluation and changes. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec
from msgspec.structs import replace

from copies.changes import Cause, Change
from copies.document import Answer, AnswerValue, Document, walk_answers
from operations.persons.needles import ERASED, Needles
from operations.persons.places import Places
from presentation.visibility import NOBODY, PERSONAL, Visibility
from rules.flow.evaluation import Evaluation


def erase_from_document(
    document: Document, places: Places, needles: Needles, *, cause: Cause, at: datetime
) -> list[Change]:  # fmt: skip
    """Erase the person's answers in ``document``, as of the moment ``at``, and their values in other texts; return the
    changes.
    """
    theirs = dict(places.answers_in(document))
    changes = [
        Change(path, ERASED, None, cause, tag=answer.tag) for path, answer in theirs.items() if answer.is_answered
    ]
    for answer in theirs.values():
        if answer.is_answered:
            answer.erased_at = at
        _erase(answer)
    for path, answer in walk_answers(document):
        # The name of a proposed document may be that of the person.
        if answer.proposed is not None and needles.occur_in(msgspec.to_builtins(answer.proposed)):
            answer.proposed = None
        if path not in theirs and isinstance(answer.value, str) and not places.is_choice(path):
            answer.value = needles.in_text(answer.value)
    return changes


def _erase(answer: Answer) -> None:
    """Leave the mark of an erased answer, which is in nobody's way where the answer is given anew."""
    if answer.is_answered or answer.proposed is not None:
        answer.value, answer.sealed, answer.mask, answer.proposed = None, None, ERASED, None


def erase_from_evaluation(evaluation: Evaluation, places: Places, needles: Needles) -> Evaluation:
    """Return ``evaluation`` without the person's values: in adjustments, messages, reasons and derived values."""
    policy = Visibility(places.catalogue, NOBODY)
    eligibility = {
        product: replace(
            outcome,
            reasons=tuple(replace(reason, text=needles.in_text(reason.text)) for reason in outcome.reasons),
            adjustments=tuple(
                replace(found, asked=ERASED if places.is_theirs(found.path) else needles.in_json(found.asked))
                for found in outcome.adjustments
            ),
        )
        for product, outcome in evaluation.eligibility.items()
    }
    messages = tuple(replace(message, text=needles.in_text(message.text)) for message in evaluation.messages)
    derived = {
        code: None if "" in places.prefixes and policy.of(code) >= PERSONAL else needles.in_json(value)
        for code, value in evaluation.derived.items()
    }
    return replace(evaluation, eligibility=eligibility, messages=messages, derived=derived)


def erase_from_changes(changes: Iterable[Change], places: Places, needles: Needles) -> list[Change]:
    """Return ``changes`` without the person's values."""
    return [
        replace(
            change,
            before=_erased(change.before, change.path, places, needles),
            after=_erased(change.after, change.path, places, needles),
            proposed=needles.in_json(change.proposed),
        )
        for change in changes
    ]


def _erased(value: AnswerValue, path: str, places: Places, needles: Needles) -> AnswerValue:
    if value in (None, "", []):
        return value
    if places.is_theirs(path):
        return ERASED
    replaced: AnswerValue = value if places.is_choice(path) else needles.in_json(value)
    return replaced
