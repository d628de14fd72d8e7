"""Eligibility results: what carriers themselves said of a product (real-time eligibility). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import ClassVar, Final

import msgspec

from batch.changes.attached import AttachedRecord, RecordCollection, RecordKind, RecordMutator, Told
from batch.errors import UnknownProduct, UnknownQuestionSet, WrongValue

OUTCOMES: Final = ("eligible", "refer", "need_info", "decline")


class EligibilityResultRow(AttachedRecord, frozen=True, kw_only=True):
    """One result; ``asked_version`` is the copy's version that the carrier was told, ``reasons`` are its own words."""

    product: str
    outcome: str
    asked_version: int
    updated_at: datetime
    question_set: str = ""
    reasons: list[str] = []


def _tell(before: EligibilityResultRow | None, after: EligibilityResultRow) -> Iterator[Told]:
    told = {"product": after.product, "question_set": after.question_set, "outcome": after.outcome}
    yield "eligibility_result.recorded", {**told, "reasons": after.reasons}


ELIGIBILITY_RESULTS: Final = RecordKind(
    name="eligibility_results", struct=EligibilityResultRow, shown=lambda row: row.outcome, tell=_tell
)


class EligibilityResultMutator(RecordMutator[EligibilityResultRow]):
    """One result; a later one of the same product and question set takes its place."""

    kind: ClassVar = ELIGIBILITY_RESULTS


class EligibilityResults(RecordCollection[EligibilityResultRow, EligibilityResultMutator]):
    """The latest result of each product and question set."""

    mutator: ClassVar = EligibilityResultMutator

    def record(
        self, product: str, *, outcome: str, question_set: str = "", reasons: Sequence[str] = ()
    ) -> EligibilityResultMutator:
        """Keep what the carrier said of ``product`` as it stands in the loaded version.

        Raises ``UnknownProduct``, ``UnknownQuestionSet``, ``WrongValue`` for an unknown outcome.
        """
        catalogue, now = self._ledger.catalogue, self._ledger.now
        if product not in catalogue.products:
            raise UnknownProduct(product)
        if question_set and question_set not in catalogue.sets:
            raise UnknownQuestionSet(question_set)
        if outcome not in OUTCOMES:
            raise WrongValue("outcome", f"it must be one of {', '.join(OUTCOMES)}")
        row = EligibilityResultRow(
            id=self._ledger.new_id(),
            created_at=now,
            updated_at=now,
            product=product,
            question_set=question_set,
            outcome=outcome,
            reasons=list(reasons),
            asked_version=self._ledger.version,
        )
        for earlier in self._accumulator.rows.values():
            if (earlier.product, earlier.question_set) == (product, question_set):
                return self._put(msgspec.structs.replace(row, id=earlier.id, created_at=earlier.created_at))
        return self._put(row)
