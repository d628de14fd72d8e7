"""The document of a renewal: dates of the next term, old answers as proposals, premiums of the term before. Pure.

The catalogue says which dates move (``renews_by``) and how long an answer is valid (``valid_for``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, tzinfo
from typing import Any, Final

import msgspec

from copies.document import Answer, AnsweredBy, Document, Proposal, walk_containers
from copies.paths import join_path
from rules.definition.catalogue import Question
from rules.definition.model import CompiledCatalogue
from rules.flow.evaluation import ProductOutcome
from rules.types.spans import after, parse_span

#: The author of the dates that a renewal moved.
RENEWAL: Final = AnsweredBy("process", "renewal")
#: States of quote requests with a premium that somebody chose, the strongest last.
_QUOTED: Final = ("quoted", "selected", "bound")


class Term(msgspec.Struct, frozen=True):
    """The moment of a renewal: the evaluation date ``day``, the time ``now``, and the tenant's ``zone``."""

    day: date
    now: datetime
    zone: tzinfo


class RenewalNotes(msgspec.Struct):
    """The paths of a renewal whose answers are only ``proposed``, have ``moved`` by a term, or are ``asked_again``."""

    proposed: list[str] = []
    moved: list[str] = []
    asked_again: list[str] = []


def renew_document(document: Document, catalogue: CompiledCatalogue, term: Term) -> RenewalNotes:
    """Move the dates of ``document`` to the next term and turn answers that are no longer valid into proposals.

    A sealed answer that is no longer valid is removed: nobody could see what they confirm. Read-only answers stay,
    because nobody could confirm them.
    """
    notes = RenewalNotes()
    for prefix, container in walk_containers(document):
        for code, answer in container.answers.items():
            part = catalogue.questions.get(code)
            if part is None or not answer.is_answered or answer.readonly:
                continue
            path = join_path(prefix, code)
            if part.question.renews_by:
                if _move(answer, part.question, term):
                    notes.moved.append(path)
            elif is_over(answer, part.question, term):
                (notes.asked_again if answer.sealed is not None else notes.proposed).append(path)
                _propose(answer)
    return notes


def is_over(answer: Answer, question: Question, term: Term) -> bool:
    """Return whether ``answer`` is older than the ``valid_for`` of its question. Without a time it never ends."""
    span, answered_at = parse_span(question.valid_for), answer.updated_at or answer.created_at
    if span is None or answered_at is None:
        return False
    try:
        return after(answered_at.astimezone(term.zone).date(), span) < term.day
    except OverflowError:
        return False


def last_premiums(outcomes: Mapping[str, ProductOutcome], requests: Iterable[Any]) -> dict[str, int]:
    """Return the premium of the ending term by product: of the quote bound, selected or given, else our own."""
    premiums = {code: outcome.premium for code, outcome in outcomes.items() if outcome.premium is not None}
    quoted = [row for row in requests if row.state in _QUOTED and row.premium is not None]
    for row in sorted(quoted, key=lambda row: _QUOTED.index(row.state)):
        premiums[row.product] = row.premium
    return premiums


def _move(answer: Answer, question: Question, term: Term) -> bool:
    """Move a date by a term; one that is sealed, no date or beyond the calendar stays. Return whether it moved."""
    span = parse_span(question.renews_by)
    if span is None or not isinstance(answer.value, str):
        return False
    try:
        answer.value = after(date.fromisoformat(answer.value), span).isoformat()
    except (ValueError, OverflowError):
        return False
    answer.answered_by, answer.updated_at, answer.confirmed = RENEWAL, term.now, ()
    return True


def _propose(answer: Answer) -> None:
    if answer.sealed is None:
        answer.proposed = Proposal(answer.value, answer.updated_at or answer.created_at, answer.tag)
    answer.value, answer.sealed, answer.mask, answer.tag = None, None, "", ""
    answer.confirmed, answer.answered_by, answer.updated_at = (), None, None
