"""The comparison of two stored answers. Pure."""

from __future__ import annotations

from copies.document import AnswerValue


def is_same_answer(one: AnswerValue, other: AnswerValue) -> bool:
    """Return whether ``one`` and ``other`` are the same answer.

    A multiple choice is a set: a release that sorts its choices anew changes no answer. True is not 1.
    """
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and set(one) == set(other)
    return one == other and type(one) is type(other)
