"""The mutator of a question set as it stands on the document (AFQS). Pure."""

from __future__ import annotations

from datetime import datetime

from batch.changes.tracker import ChangeTracker
from batch.errors import UnknownQuestionSet
from copies.document import DocumentQuestionSet
from copies.paths import question_set_path


class QuestionSetMutator:
    """One question set on the document. Stale after the save."""

    def __init__(self, ledger: ChangeTracker, question_set: DocumentQuestionSet) -> None:
        """Made by ``Changeset.find_question_set`` and ``Changeset.add_question_set``."""
        self._ledger = ledger
        self._question_set = question_set
        self.code = question_set.code
        self.path = question_set_path(self.code)

    @property
    def completed_at(self) -> datetime | None:
        """Return when its last needed answer was given, None while something is missing."""
        self._ledger.require_open()
        return self._question_set.completed_at

    def complete(self) -> None:
        """Mark as completed now."""
        self._mark(self._ledger.now)

    def reopen(self) -> None:
        """Take the completion back."""
        self._mark(None)

    def keep_if_ineligible(self) -> None:
        """Keep the set on the document although the rules would take it off."""
        self._touch()
        self._question_set.remove_if_ineligible = False

    def remove(self) -> None:
        """Take the set off the document; answers stay, inactive."""
        self._touch()
        self._ledger.document.question_sets.remove(self._question_set)

    def _mark(self, moment: datetime | None) -> None:
        self._touch()
        self._question_set.completed_at = moment

    def _touch(self) -> None:
        self._ledger.require_writable()
        if self._ledger.question_set(self.code) is not self._question_set:
            raise UnknownQuestionSet(self.code)  # it was removed in this unit of work
        self._ledger.touch_question_set(self.code)
