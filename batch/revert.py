"""Takes a copy back to an earlier version, as a new one: nothing that was saved since is lost from the history."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from batch.changes.open_values import protect_open_values
from batch.changes.snapshots import snapshot
from batch.context import BatchContext
from batch.errors import UnknownVersion
from catalogue.release_history import renames_between
from copies.changes import Cause
from copies.codec import decode_document
from copies.document import Answer, Document, walk_containers
from copies.history import find_version
from copies.paths import join_path
from encryption.envelope import DecryptionFailed
from rules.flow.followed_renames import follow_renames

#: The cause of a version that takes the copy back to an earlier one; the id is the number of that version.
REVERT: Final = "revert"


def revert(context: BatchContext, version: int) -> list[str]:
    """Make the document of ``version`` the present one of the context's copy; the caller saves it.

    Answers keep their authors and times of then, rows their ids, and sealed answers remain sealed. The rules run with
    the present release. Returns the paths of sealed answers that can no longer be opened, because their key was erased:
    they remain as they are now. Raises ``UnknownVersion``.
    """
    changeset, scope = context.changeset, context.scope
    past = find_version(context.copy.id, scope=scope, version=version)
    if past is None:
        raise UnknownVersion
    document = decode_document(past.document)
    unreadable = _leave_unreadable(document, changeset.document, context)
    if past.release_id is not None and past.release_id != context.release.id:
        follow_renames(document, renames_between(past.release_id, context.release.id), sealing=context.sealer)
    protect_open_values(changeset.tracker, document)
    _keep_equal_answers(document, changeset.document)
    changeset.tracker.replace_document(document)
    changeset.note_cause(Cause(REVERT, str(version)))
    return unreadable


def _leave_unreadable(document: Document, present: Document, context: BatchContext) -> list[str]:
    """Replace the sealed answers of ``document`` that cannot be opened by the present ones; return their paths."""
    unreadable, now = [], dict(walk_containers(present))
    for prefix, container in walk_containers(document):
        for code, answer in list(container.answers.items()):
            path = join_path(prefix, code)
            try:
                context.sealer.reveal(path, answer)
            except DecryptionFailed:
                unreadable.append(path)
                known = now[prefix].answers.get(code) if prefix in now else None
                container.answers[code] = Answer() if known is None else replace(known)
    return unreadable


def _keep_equal_answers(document: Document, present: Document) -> None:
    """Keep the present author and time of each answer whose value is the same now as it was then."""
    now = dict(walk_containers(present))
    for prefix, container in walk_containers(document):
        answers = now[prefix].answers if prefix in now else {}
        for code, answer in container.answers.items():
            if code in answers and snapshot(answers[code]) == snapshot(answer):
                container.answers[code] = replace(answers[code])
