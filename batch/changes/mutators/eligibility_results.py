"""Eligibility results: the carriers' own outcomes for a product (real-time eligibility). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import ClassVar, Final

import msgspec

from batch.changes.attached import AttachedRecord, RecordEvent, RecordKind
from batch.changes.free_texts import clean_foreign_text
from batch.changes.record_mutator import RecordCollection, RecordMutator
from batch.errors import UnknownProduct, UnknownQuestionSet, WrongValue
from webhooks.event_types import CopyEvent, EventType

#: ``unknown``: the carrier could not decide.
OUTCOMES: Final = ("eligible", "refer", "need_info", "decline", "unknown")
MOST_REASONS: Final = 4
MOST_MESSAGES: Final = 10
_TEXT: Final = 300


class EligibilityResultRow(AttachedRecord, frozen=True, kw_only=True):
    """One result; ``asked_version`` is the version of the copy that was sent, ``payload_hash`` what was sent.

    ``reasons`` (code, text) and ``messages`` (kind, text) are the carrier's words.
    """

    product: str
    outcome: str
    asked_version: int
    checked_at: datetime
    question_set: str = ""
    payload_hash: str = ""
    reasons: list[dict[str, str]] = []
    messages: list[dict[str, str]] = []


class EligibilityResult(CopyEvent, frozen=True, kw_only=True):
    """A carrier's own outcome for a product."""

    product: str
    question_set: str
    outcome: str
    reasons: list[dict[str, str]]
    messages: list[dict[str, str]]


def _emit(before: EligibilityResultRow | None, after: EligibilityResultRow) -> Iterator[RecordEvent]:
    data = {"product": after.product, "question_set": after.question_set, "outcome": after.outcome}
    yield "recorded", {**data, "reasons": after.reasons, "messages": after.messages}


ELIGIBILITY_RESULTS: Final = RecordKind(
    name="eligibility_results",
    struct=EligibilityResultRow,
    model="forms.EligibilityResult",
    shown=lambda row: row.outcome,
    events=EventType(
        family="eligibility_result",
        names=("recorded",),
        data=EligibilityResult,
        when="a carrier gave its own outcome for a product",
    ),
    emit=_emit,
)


class EligibilityResultMutator(RecordMutator[EligibilityResultRow]):
    """One result; a later one of the same product and question set replaces it."""

    kind: ClassVar = ELIGIBILITY_RESULTS


class EligibilityResults(RecordCollection[EligibilityResultRow, EligibilityResultMutator]):
    """The latest result of each product and question set."""

    mutator: ClassVar = EligibilityResultMutator

    def record(
        self,
        product: str,
        *,
        outcome: str,
        question_set: str = "",
        payload_hash: str = "",
        reasons: Sequence[tuple[str, str]] = (),
        messages: Sequence[tuple[str, str]] = (),
        version: int | None = None,
    ) -> EligibilityResultMutator:
        """Record the carrier's outcome for ``product`` in ``version``, by default the loaded one. ``reasons`` are pairs
        of code and text, ``messages`` of kind and text: cleaned, and cut to the first few.

        Raises ``UnknownProduct``, ``UnknownQuestionSet``, ``WrongValue`` for an unknown outcome.
        """
        catalogue, now = self._tracker.catalogue, self._tracker.now
        if product not in catalogue.products:
            raise UnknownProduct(product)
        if question_set and question_set not in catalogue.sets:
            raise UnknownQuestionSet(question_set)
        if outcome not in OUTCOMES:
            raise WrongValue("outcome", f"it must be one of {', '.join(OUTCOMES)}")
        row = EligibilityResultRow(
            id=self._tracker.new_id(),
            created_at=now,
            checked_at=now,
            product=product,
            question_set=question_set,
            outcome=outcome,
            payload_hash=payload_hash,
            reasons=[_words("code", pair) for pair in reasons[:MOST_REASONS]],
            messages=[_words("kind", pair) for pair in messages[:MOST_MESSAGES]],
            asked_version=self._tracker.version if version is None else version,
        )
        for earlier in self._accumulator.rows.values():
            if (earlier.product, earlier.question_set) == (product, question_set):
                return self._put(msgspec.structs.replace(row, id=earlier.id, created_at=earlier.created_at))
        return self._put(row)


def _words(name: str, pair: tuple[str, str]) -> dict[str, str]:
    return {name: clean_foreign_text(pair[0], most=64), "text": clean_foreign_text(pair[1], most=_TEXT)}
