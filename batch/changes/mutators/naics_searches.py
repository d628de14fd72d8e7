"""Searches for an industry code, kept to learn what people look for. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from batch.changes.attached import AttachedRecord, RecordCollection, RecordKind, RecordMutator
from batch.errors import WrongValue


class NaicsSearchRow(AttachedRecord, frozen=True, kw_only=True):
    """One search: the words, what narrowed it, the codes found in the order shown, and the chosen one."""

    query: str
    searched_by_type: str
    searched_by_id: str = ""
    zip_code: str = ""
    employees: int | None = None
    found: list[str] = []
    chosen: str = ""


NAICS_SEARCHES: Final = RecordKind(
    name="naics_searches", struct=NaicsSearchRow, shown=lambda row: row.query, of_form=True, is_appended=True
)


class NaicsSearchMutator(RecordMutator[NaicsSearchRow]):
    """One search of this unit of work. There is nothing to change about it."""

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
        """Keep a search for ``query`` (at most 200 characters). Raises ``WrongValue``."""
        if not 0 < len(query) <= 200 or len(zip_code) > 10 or len(chosen) > 6:
            raise WrongValue("query", "a search needs words (at most 200 characters), a ZIP code, and a six-digit code")
        if employees is not None and employees < 0:
            raise WrongValue("employees", "the number of employees must not be negative")
        by = self._ledger.by
        return self._put(
            NaicsSearchRow(
                id=self._ledger.new_id(),
                created_at=self._ledger.now,
                query=query,
                zip_code=zip_code,
                employees=employees,
                found=list(found),
                chosen=chosen,
                searched_by_type=by.type,
                searched_by_id=by.id,
            )
        )
