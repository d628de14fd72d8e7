"""Confirmation of warnings and of proposed answers: a person's word that an answer is right."""

from __future__ import annotations

from typing import Final

from batch.context import BatchContext
from batch.errors import NothingToConfirm

#: Confirms the value that a renewal proposes, in place of the code of a warning.
PROPOSED: Final = "proposed"


def confirm(context: BatchContext, path: str, warning: str) -> None:
    """Confirm the answer at ``path`` of the copy as loaded in spite of its ``warning``, a message's code; with
    ``PROPOSED`` the proposed value becomes the answer.

    Raises ``UnknownQuestion``, ``UnknownPool`` or ``UnknownRow``, and ``NothingToConfirm`` without such a warning.
    """
    answer = context.changeset.find_answer(path)
    if warning == PROPOSED:
        answer.keep_proposed()
        return
    changeset, evaluation = context.current_view()
    # Only a warning that the actor can see: another would reveal something of a hidden answer.
    seen = context.changeset.visibility.messages(evaluation.messages, lambda: changeset.document)
    if not any((message.kind, message.path, message.code) == ("warn", path, warning) for message in seen):
        raise NothingToConfirm(path)
    answer.confirm(warning)
