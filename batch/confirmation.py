"""Confirmation of warnings and of proposed answers: a person's word that an answer is right."""

from __future__ import annotations

from typing import Final

from batch.changes.proposals import Pick, accept, dismiss
from batch.context import BatchContext
from batch.errors import NothingToConfirm

#: Confirms the proposed value, whichever it is, in place of the code of a warning. ``proposed:<id>`` confirms the one
#: that the person has read, ``dismissed:<id>`` takes it away.
PROPOSED: Final = "proposed"
DISMISSED: Final = "dismissed"
#: What is done with a proposal that is named by its id.
_ON_PROPOSALS: Final = {PROPOSED: accept, DISMISSED: dismiss}


def confirm(context: BatchContext, path: str, warning: str) -> None:
    """Confirm the answer at ``path`` of the copy as loaded in spite of its ``warning``, a message's code; with
    ``PROPOSED`` the proposed value becomes the answer.

    Raises ``UnknownQuestion``, ``UnknownPool`` or ``UnknownRow``, ``NothingToConfirm`` without such a warning, and
    ``ProposalChanged`` where another value is proposed by now.
    """
    answer = context.changeset.find_answer(path)
    order, _, key = warning.partition(":")
    if key and order in _ON_PROPOSALS:
        _ON_PROPOSALS[order](context.changeset, [Pick(path=path, key=key)])
        return
    if warning == PROPOSED:
        answer.keep_proposed()
        return
    changeset, evaluation = context.current_view()
    # Only a warning that the actor can see: another would reveal something of a hidden answer.
    seen = context.changeset.visibility.messages(evaluation.messages, lambda: changeset.document)
    if not any((message.kind, message.path, message.code) == ("warn", path, warning) for message in seen):
        raise NothingToConfirm(path)
    answer.confirm(warning)
