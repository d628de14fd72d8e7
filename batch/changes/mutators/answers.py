"""The mutator of one answer, the only code that changes an answer struct. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from batch.changes.submitted_values import Unchanged, read_submitted
from batch.changes.tracker import ChangeTracker
from batch.errors import AnswerFault, InvalidAnswers, NothingToConfirm, ReadOnlyAnswer
from copies.changes import strictest
from copies.document import Answer, AnswerValue, Confirmation, Container, Proposal, ProposalSource
from copies.equal_answers import is_same_answer
from copies.paths import join_path
from rules.definition.catalogue import Question
from rules.types.cleaning import InvalidValue
from rules.types.mask import mask_of


class AnswerMutator:
    """One question's answer in the document or in a pool row. Stale after the save."""

    def __init__(self, tracker: ChangeTracker, container: Container, prefix: str, question: Question) -> None:
        """Made by ``Changeset.find_answer`` and ``RowMutator.find_answer``."""
        self._tracker = tracker
        self._container = container
        self.question = question
        self.path = join_path(prefix, question.code)

    @property
    def value(self) -> AnswerValue:
        """Return the value; of a sensitive answer its mask. None while unanswered."""
        answer = self._current()
        if answer is None or not answer.is_answered:
            return None
        if answer.sealed is not None:
            return answer.mask
        return mask_of(self.question, answer.value) if self.is_secret else answer.value

    @property
    def is_active(self) -> bool:
        """Return whether the question is visible, as of the last run of the rules."""
        answer = self._current()
        return answer is not None and answer.active

    @property
    def is_readonly(self) -> bool:
        """Return whether the answer is read-only for people."""
        answer = self._current()
        return answer is not None and answer.readonly

    @property
    def is_secret(self) -> bool:
        """Return whether values are stored sealed."""
        return self.question.sensitivity == "spi"

    def apply(self, value: object) -> bool:
        """Clean ``value`` and store it as the answer; None, empty text or an empty list clears it. Return whether that
        is a change: the same value again is none, nor is the mask that the actor is shown.

        A value that the actor may not read is never compared: to give it is always a change. Raises ``InvalidAnswers``
        with one fault where the value does not fit the question, ``ReadOnlyAnswer`` where people may not change it.
        """
        self._tracker.require_writable()
        try:
            cleaned = self.read_submitted(value)
        except InvalidValue as error:
            raise InvalidAnswers([AnswerFault(self.path, error.code, error.text)]) from error
        return False if isinstance(cleaned, Unchanged) else self.apply_cleaned(cleaned)

    def fill(self, value: object, *, source: str) -> bool:
        """Store ``value`` as ``apply`` does, as an answer that the actor gave by ``source``, not by typing it. Return
        whether that is a change.
        """
        is_changed = self.apply(value)
        answer = self._current()
        if is_changed and answer is not None:
            answer.answered_by = replace(self._tracker.by, source=source)
        return is_changed

    def read_submitted(self, value: object) -> AnswerValue | Unchanged:
        """Return ``value`` cleaned, or ``UNCHANGED`` for the mask that the actor is shown. Raises ``InvalidValue``."""
        return read_submitted(self._tracker, self.question, self.path, answer=self._current(), submitted=value)

    def clear(self) -> None:
        """Remove the answer, as ``apply(None)`` does."""
        self.apply(None)

    def apply_cleaned(self, value: AnswerValue) -> bool:
        """Store ``value``, which ``read_submitted`` returned, as the answer. Return whether that is a change."""
        tracker, code = self._tracker, self.question.code
        tracker.require_writable()
        present, visibility = self._container.answers.get(code), tracker.visibility
        # Nearly all answers are public, which is found without a look at the path.
        is_hidden = (
            present is not None and not visibility.is_public(code, present) and visibility.hides(self.path, present)
        )
        if self._holds(present, value, is_hidden=is_hidden):
            self._require_changeable()
            return False
        now = tracker.now
        answer = self._touched(is_hidden=is_hidden)
        self._store(answer, value)
        answer.confirmed, answer.proposed = (), None
        answer.answered_by = tracker.by
        answer.created_at = answer.created_at or now
        answer.updated_at = now
        return True

    def take_over(self, other: Answer | None) -> None:
        """Store the answer of another copy or version with its author, its time and its confirmed warnings; None clears
        the answer. A sealed value must be sealed for this copy and path already.

        Raises ``ReadOnlyAnswer`` where people may not change the answer.
        """
        self._tracker.require_writable()
        answer = self._touched()
        if other is not None and other.sealed is not None:
            answer.value, answer.sealed, answer.mask, answer.tag = None, other.sealed, other.mask, ""
        else:
            self._store(answer, other.value if other is not None and other.is_answered else None)
            # It stays as confidential as it was when it was given.
            answer.tag = strictest(answer.tag, other.tag) if other is not None and answer.sealed is None else answer.tag
        answer.confirmed = other.confirmed if other is not None else ()
        answer.proposed = other.proposed if other is not None and not self.is_secret else None
        answer.answered_by = (other.answered_by if other is not None else None) or self._tracker.by
        answer.created_at = answer.created_at or self._tracker.now
        answer.updated_at = (other.updated_at if other is not None else None) or self._tracker.now
        answer.erased_at = other.erased_at if other is not None else None

    def take_over_confirmations(self, confirmed: tuple[Confirmation, ...]) -> None:
        """Store the ``confirmed`` warnings of the same value in another copy or version, with their authors."""
        self._tracker.require_writable()
        answer = self._container.answers.get(self.question.code)
        if answer is not None and answer.is_answered:
            self._tracker.touch_answer(self.path, answer)
            answer.confirmed = confirmed

    def _touched(self, *, is_hidden: bool | None = None) -> Answer:
        """Return the answer, a new one if it is missing, as one that is about to change. ``is_hidden`` says whether the
        actor may not read it, where that is known.
        """
        answer = self._require_changeable()
        if is_hidden is None:
            is_hidden = answer is not None and self._tracker.visibility.hides(self.path, answer)
        self._tracker.touch_answer(self.path, answer, counts_always=is_hidden)
        if answer is None:
            answer = self._container.answers[self.question.code] = Answer(created_at=self._tracker.now)
        return answer

    def _require_changeable(self) -> Answer | None:
        """Return the answer, None for a missing one. Raises ``ReadOnlyAnswer``."""
        answer = self._container.answers.get(self.question.code)
        if answer is not None and answer.readonly:
            raise ReadOnlyAnswer(self.path)
        return answer

    def _store(self, answer: Answer, value: AnswerValue) -> None:
        if self.is_secret and value is not None:
            sealed = self._tracker.sealing.seal(self.path, value)
            answer.value, answer.sealed, answer.mask, answer.tag = None, sealed, mask_of(self.question, value), ""
        else:
            tag = "" if value is None else self.question.sensitivity
            answer.value, answer.sealed, answer.mask, answer.tag = value, None, "", tag
        answer.erased_at = None

    def confirm(self, warning: str) -> None:
        """Record that the actor confirms the value in spite of ``warning``, a validator of the question; it holds until
        the value changes. Confirming again changes nothing.

        Raises ``NothingToConfirm``.
        """
        self._tracker.require_writable()
        answer = self._container.answers.get(self.question.code)
        if (
            answer is None
            or not answer.is_answered
            or warning not in self._tracker.catalogue.questions[self.question.code].validators
        ):
            raise NothingToConfirm(self.path)
        if answer.is_confirmed(warning):
            return
        self._tracker.touch_answer(self.path, answer)
        answer.confirmed = (*answer.confirmed, Confirmation(warning, self._tracker.by, self._tracker.now))

    @property
    def proposed(self) -> Proposal | None:
        """Return the value that is proposed, None without one that the actor can see."""
        answer = self._current()
        proposed = answer.proposed if answer is not None else None
        is_hidden = proposed is not None and self._tracker.visibility.hides(self.path, tag=proposed.tag)
        return None if is_hidden else proposed

    def propose(self, value: AnswerValue, source: ProposalSource) -> bool:
        """Propose ``value``, which ``read_submitted`` returned, in place of an earlier proposal; the answer stays.
        Return whether that is a change: the present answer is not proposed again.

        Raises ``ReadOnlyAnswer``. A secret value must not come here: a proposal is stored as plain text.
        """
        self._tracker.require_writable()
        answer = self._container.answers.get(self.question.code)
        is_hidden = answer is not None and self._tracker.visibility.hides(self.path, answer)
        if answer is not None and answer.is_answered and self._holds(answer, value, is_hidden=is_hidden):
            self._require_changeable()
            return False
        self._touched(is_hidden=is_hidden).proposed = Proposal(
            value,
            tag=self.question.sensitivity,
            id=str(self._tracker.new_id()),
            source=source,
            by=self._tracker.by,
            at=self._tracker.now,
        )
        return True

    def keep_proposed(self) -> None:
        """Take over the proposed value as the actor's answer.

        Raises ``NothingToConfirm`` where nothing is proposed that the actor can see, ``InvalidAnswers`` where the value
        no longer fits the question, ``ReadOnlyAnswer``.
        """
        proposed = self.proposed
        if proposed is None:
            raise NothingToConfirm(self.path)
        self.apply(proposed.value)
        answer = self._container.answers[self.question.code]
        if answer.proposed is not None:
            # The answer has become the same meanwhile.
            self.dismiss_proposed()

    def dismiss_proposed(self) -> None:
        """Take the proposed value away; the answer stays. Raises ``NothingToConfirm`` where nothing is proposed."""
        self._tracker.require_writable()
        answer = self._container.answers.get(self.question.code)
        if answer is None or answer.proposed is None:
            raise NothingToConfirm(self.path)
        self._tracker.touch_answer(self.path, answer)
        answer.proposed = None

    def _current(self) -> Answer | None:
        self._tracker.require_open()
        return self._container.answers.get(self.question.code)

    def _holds(self, answer: Answer | None, value: AnswerValue, *, is_hidden: bool) -> bool:
        """Return whether ``value`` is the present one, as far as the actor may know it: not where it ``is_hidden``."""
        if answer is None or not answer.is_answered:
            return value is None and (answer is None or answer.proposed is None)
        return not is_hidden and is_same_answer(answer.value, value)
