"""Eligibility results: the carriers' own outcomes for a product (real-time eligibility). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import ClassVar, Final

import msgspec

from batch.changes.attached import AttachedRecord, RecordEvent, RecordKind
from batch.changes.record_mutator import RecordCollection, RecordMutator
from batch.errors import UnknownProduct, UnknownQuestionSet, WrongValue
from webhooks.event_types import CopyEvent, EventType

OUTCOMES: Final = ("eligible", "refer", "need_info", "decline")


class EligibilityResultRow(AttachedRecord, frozen=True, kw_only=True):
    """One result; ``asked_version`` is the version of the copy that was sent, ``reasons`` are the carrier's words."""

    product: str
    outcome: str
    asked_version: int
    updated_at: datetime
    question_set: str = ""
    reasons: list[str] = []


class EligibilityResult(CopyEvent, frozen=True, kw_only=True):
    """A carrier's own outcome for a product."""

    product: str
    question_set: str
    outcome: str
    reasons: list[str]


def _emit(before: EligibilityResultRow | None, after: EligibilityResultRow) -> Iterator[RecordEvent]:
    data = {"product": after.product, "question_set": after.question_set, "outcome": after.outcome}
    yield "recorded", {**data, "reasons": after.reasons}


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
        self, product: str, *, outcome: str, question_set: str = "", reasons: Sequence[str] = ()
    ) -> EligibilityResultMutator:
        """Record the carrier's outcome for ``product`` in the loaded version.

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
            updated_at=now,
            product=product,
            question_set=question_set,
            outcome=outcome,
            reasons=list(reasons),
            asked_version=self._tracker.version,
        )
        for earlier in self._accumulator.rows.values():
            if (earlier.product, earlier.question_set) == (product, question_set):
                return self._put(msgspec.structs.replace(row, id=earlier.id, created_at=earlier.created_at))
        return self._put(row)
