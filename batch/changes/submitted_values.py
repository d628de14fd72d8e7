"""Reads the submitted value of one answer: the mask that its sender was shown, or a value to clean. Pure.

The one place for all entry points: answers and rows of the API, pages of agents and guests, dry runs.
"""

from __future__ import annotations

from enum import Enum
from functools import partial
from typing import Final

from batch.changes.guest_scope import WHOLE
from batch.changes.tracker import ChangeTracker
from batch.errors import OutsideGuestLink
from copies.document import Answer, AnswerValue
from copies.mask import begins_like_mask
from rules.definition.catalogue import Question
from rules.types.cleaning import InvalidValue, clean

MASKED_VALUE: Final = "masked_value"
_NO_ANSWER: Final = "This is a mask and not the answer. Leave it out to keep the answer, or give the whole answer."


class Unchanged(Enum):
    """The sender returned what they were shown in place of the value."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED


def read_submitted(
    tracker: ChangeTracker, question: Question, path: str, *, answer: Answer | None, submitted: object
) -> AnswerValue | Unchanged:
    """Return ``submitted`` cleaned, or ``UNCHANGED`` where it is the mask that the actor is shown for ``answer``.

    ``answer`` is the present one at ``path``, None in a new row. Raises ``InvalidValue``, for any other text that
    begins like a mask with the code ``masked_value``: stored, it would pass for a mask later. Raises
    ``OutsideGuestLink`` before anything is compared.
    """
    if tracker.guest_scope is not WHOLE and not tracker.guest_scope.has_answer(tracker.catalogue, path):
        raise OutsideGuestLink
    if begins_like_mask(submitted):
        if tracker.visibility.is_unchanged(path, answer, str(submitted)):
            return UNCHANGED
        raise InvalidValue(MASKED_VALUE, _NO_ANSWER)
    if isinstance(submitted, list):
        _refuse_masks(submitted)
    if tracker.shared is None:
        return _cleaned(tracker, question, submitted)
    return tracker.shared.cleaned(question, submitted, partial(_cleaned, tracker, question, submitted))


def _cleaned(tracker: ChangeTracker, question: Question, submitted: object) -> AnswerValue:
    """Return ``submitted``, which is no mask, cleaned. Raises ``InvalidValue``."""
    cleaned = clean(tracker.catalogue, question, submitted)
    if cleaned is not submitted:
        # Cleaning removes signs that hide the beginning of a text.
        _refuse_masks(cleaned)
    return cleaned


def _refuse_masks(value: object) -> None:
    if any(map(begins_like_mask, value)) if isinstance(value, list) else begins_like_mask(value):
        raise InvalidValue(MASKED_VALUE, _NO_ANSWER)
