"""Submitted answers and rows of one request, with all of their faults at once. Pure.

Cleaning refuses values that cannot be stored, and the rules those that are wrong by themselves. The rules run on the
others too, so that a caller learns everything in one response.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from batch.changes.changeset import Changeset
from batch.changes.decision import decide
from batch.changes.input import plan_answers
from batch.errors import AnswerFault, BatchError, InvalidAnswers
from copies.codec import decode_document, encode_document


def submit_answers(
    changeset: Changeset, answers: Mapping[str, object], answer_pools: Mapping[str, object] | None = None
) -> None:
    """Apply answers and rows as ``Changeset.apply_answers`` does.

    Raises ``InvalidAnswers`` with the faults of cleaning and those that the rules find in the other values; then
    nothing was changed.
    """
    pools = {} if answer_pools is None else answer_pools
    try:
        changeset.apply_answers(answers, pools)
    except InvalidAnswers as error:
        rest = _faults_of_the_rest(changeset, answers, pools)
        raise InvalidAnswers([*error.faults, *rest], more=error.more) from error


def _faults_of_the_rest(
    changeset: Changeset, answers: Mapping[str, object], answer_pools: Mapping[str, object]
) -> Sequence[AnswerFault]:
    """Return the faults that the rules find in the values that can be stored; decides a changeset of its own."""
    scratch = Changeset(
        decode_document(encode_document(changeset.document)),
        loaded=changeset.tracker.loaded,
        context=changeset.tracker.context,
        sealing=changeset.sealing,
    )
    try:
        plan_answers(scratch.tracker, scratch, answers=answers, answer_pools=answer_pools).carry_out_valid()
        decide(scratch)
    except InvalidAnswers as error:
        return error.faults
    except BatchError:
        # An order of the steps that holds only as a whole, such as a row that is changed and removed.
        return ()
    return ()
