"""Searches for an industry code, stored to learn which words people use. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from batch.changes.attached import AttachedRecord, RecordKind
from batch.changes.record_mutator import RecordCollection, RecordMutator
from batch.errors import WrongValue


class NaicsSearchRow(AttachedRecord, frozen=True, kw_only=True):
    """One search: its words, its filters, the matched codes in the order shown, and the chosen code."""

    query: str
    searched_by_type: str
    searched_by_id: str = ""
    zip_code: str = ""
    employees: int | None = None
    found: list[str] = []
    chosen: str = ""


NAICS_SEARCHES: Final = RecordKind(
    name="naics_searches",
    struct=NaicsSearchRow,
    model="forms.NaicsSearch",
    shown=lambda row: row.query,
    of_form=True,
    append_only=True,
)


class NaicsSearchMutator(RecordMutator[NaicsSearchRow]):
    """One search of this unit of work; it never changes."""

    kind: ClassVar = NAICS_SEARCHES


class NaicsSearches(RecordCollection[NaicsSearchRow, NaicsSearchMutator]):
    """The searches that this unit of work adds; earlier ones are not loaded."""

    mutator: ClassVar = NaicsSearchMutator

    def add(
        self,
        query: str,
        *,
        zip_code: str = "",
        employees: int | None = None,
        found: Sequence[str] = (),
        chosen: str = "",
    ) -> NaicsSearchMutator:
        """Record a search for ``query`` (at most 200 characters). Raises ``WrongValue``."""
        if not 0 < len(query) <= 200 or len(zip_code) > 10 or len(chosen) > 6:
            raise WrongValue("query", "a search has words (at most 200 characters), a ZIP code and a code of 6 digits")
        if employees is not None and employees < 0:
            raise WrongValue("employees", "a number of employees is not negative")
        by = self._tracker.by
        return self._put(
            NaicsSearchRow(
                id=self._tracker.new_id(),
                created_at=self._tracker.now,
                query=query,
                zip_code=zip_code,
                employees=employees,
                found=list(found),
                chosen=chosen,
                searched_by_type=by.type,
                searched_by_id=by.id,
            )
        )
