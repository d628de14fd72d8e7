"""The comparison of stored answers. Pure."""

from __future__ import annotations

from copies.document import Answer, AnswerValue


def is_same_answer(one: AnswerValue, other: AnswerValue) -> bool:
    """Return whether ``one`` and ``other`` are the same answer.

    A multiple choice is a set: a release that sorts its choices anew changes no answer. True is not 1.
    """
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and set(one) == set(other)
    return one == other and type(one) is type(other)


def holds_same(one: Answer | None, other: Answer | None, *, is_hidden: bool = False) -> bool:
    """Return whether two answers of different documents are the same, as far as a reader may know.

    Sealed values and those that are hidden from the reader are never compared: they are the same where the same person
    gave them at the same time, as in a copy of a copy (docs/adr/0024-unreadable-is-never-compared.md).
    """
    if one is None or other is None or not (one.is_answered and other.is_answered):
        is_answered = [side is not None and side.is_answered for side in (one, other)]
        return is_answered[0] == is_answered[1] and _proposed_at(one) == _proposed_at(other)
    if is_hidden or one.sealed is not None or other.sealed is not None:
        return (one.answered_by, one.updated_at) == (other.answered_by, other.updated_at)
    return is_same_answer(one.value, other.value)


def _proposed_at(answer: Answer | None) -> object:
    """Return when a proposed value was given, None where nothing is proposed."""
    proposal = answer.proposed if answer is not None else None
    return None if proposal is None else (proposal.id or proposal.answered_at or True)
