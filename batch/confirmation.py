"""Confirmation of warnings: a person's word that an unusual answer is right."""

from __future__ import annotations

from batch.context import BatchContext
from batch.errors import NothingToConfirm


def confirm(context: BatchContext, path: str, warning: str) -> None:
    """Confirm the answer at ``path`` of the copy as loaded in spite of its ``warning``, a message's code.

    Raises ``UnknownQuestion``, ``UnknownPool`` or ``UnknownRow``, and ``NothingToConfirm`` without such a warning.
    """
    answer = context.changeset.find_answer(path)
    changeset, evaluation = context.current_view()
    # Only a warning that the actor can see: another would reveal something of a hidden answer.
    seen = context.changeset.visibility.messages(evaluation.messages, lambda: changeset.document)
    if not any((message.kind, message.path, message.code) == ("warn", path, warning) for message in seen):
        raise NothingToConfirm(path)
    answer.confirm(warning)
