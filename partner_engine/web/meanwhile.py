"""Finds answers that changed after the version on which a submitted answer is based, so that nobody overwrites an
answer unseen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from batch.context import BatchContext
from batch.errors import UnknownPart
from copies.changes import Change
from copies.document import find_answer
from copies.history import changes_of
from copies.models import CopyRevision
from copies.paths import is_in_document
from partner_engine.web.visitors import Visitor
from presentation.visibility import Reader, Visibility
from rules.types.cleaning import InvalidValue, clean
from rules.types.registry import type_of

#: The author of a change whose name is not recorded.
SOMEBODY: Final = "Somebody else"


def changed_by(copy_id: UUID, *, since: int, until: int, values_only: bool = False) -> dict[str, str]:
    """Map each changed path of the document to its last author in the versions after ``since`` up to ``until``.

    With ``values_only``, leave out questions that were only shown, hidden or confirmed.
    """
    revisions = CopyRevision.objects.filter(copy_id=copy_id, version__gt=since, version__lte=until).order_by("version")
    return {
        change.path: revision.actor_label or SOMEBODY
        for revision in revisions.only("changes", "actor_label")
        for change in changes_of(revision)
        if is_in_document(change.path) and not (values_only and _is_of_state(change))
    }


def _is_of_state(change: Change) -> bool:
    """Return whether only the state of an answer changed.

    A changed secret can have the same mask as before; without a change of its state this is still a new value.
    """
    states = (change.active, change.required, change.confirmed, change.proposed)
    return change.before == change.after and any(state is not None for state in states)


def answered_meanwhile(
    context: BatchContext, typed: Mapping[str, object], visitor: Visitor, *, since: int
) -> dict[str, str]:
    """Map the paths of ``typed`` whose answers changed after the version ``since`` to the author of the change.

    A path is left out if the stored answer is the typed one. ``since`` is 0 if the base is unknown: nothing is compared
    then.
    """
    if not 0 < since < context.version:
        return {}
    authors = changed_by(context.copy.id, since=since, until=context.version, values_only=True)
    visibility = Visibility(context.release.compiled, Reader.for_actor(visitor.actor))
    return {
        path: authors[path]
        for path in typed
        if path in authors and not _is_stored(context, path, typed[path], visibility)
    }


def _is_stored(context: BatchContext, path: str, typed: object, visibility: Visibility) -> bool:
    """Return whether the answer at ``path`` is ``typed``; False where the visitor may not see it, and for a value that
    cannot be stored. True if there is no such question: applying the answer reports that.
    """
    try:
        answer = context.changeset.find_answer(path)
    except UnknownPart:
        return True
    if visibility.hides(path, find_answer(context.changeset.document, path)):
        return False
    raw = type_of(answer.question.type).read_input(typed)
    try:
        return clean(context.release.compiled, answer.question, raw) == answer.value
    except InvalidValue:
        return False
