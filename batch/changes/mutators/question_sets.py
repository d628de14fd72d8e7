"""The mutator of a question set on the document (AFQS). Pure."""

from __future__ import annotations

from datetime import datetime

from batch.changes.tracker import ChangeTracker
from batch.errors import UnknownQuestionSet
from copies.document import DocumentQuestionSet
from copies.paths import question_set_path


class QuestionSetMutator:
    """One question set on the document. Stale after the save."""

    def __init__(self, tracker: ChangeTracker, question_set: DocumentQuestionSet) -> None:
        """Made by ``Changeset.find_question_set`` and ``Changeset.add_question_set``."""
        self._tracker = tracker
        self._question_set = question_set
        self.code = question_set.code
        self.path = question_set_path(self.code)

    @property
    def completed_at(self) -> datetime | None:
        """Return when its last needed answer was submitted, None while one is missing."""
        self._tracker.require_open()
        return self._question_set.completed_at

    def complete(self) -> None:
        """Mark the set as completed now."""
        self._mark(self._tracker.now)

    def reopen(self) -> None:
        """Mark the set as not completed."""
        self._mark(None)

    def keep_if_ineligible(self) -> None:
        """Keep the set on the document even where the rules would remove it."""
        self._touch()
        self._question_set.remove_if_ineligible = False

    def take_over(self, other: DocumentQuestionSet) -> None:
        """Keep the set on the document as another copy or version does, with the author of that."""
        self.keep_if_ineligible()
        self._question_set.added_by, self._question_set.created_at = other.added_by, other.created_at

    def remove(self) -> None:
        """Remove the set from the document; its answers stay, inactive."""
        self._touch()
        self._tracker.document.question_sets.remove(self._question_set)

    def _mark(self, moment: datetime | None) -> None:
        self._touch()
        self._question_set.completed_at = moment

    def _touch(self) -> None:
        self._tracker.require_writable()
        if self._tracker.question_set(self.code) is not self._question_set:
            raise UnknownQuestionSet(self.code)  # it was removed in this unit of work
        self._tracker.touch_question_set(self.code)
