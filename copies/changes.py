"""One change of a document as history, API and messages tell it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from copies.document import AnswerValue


class Cause(msgspec.Struct, frozen=True):
    """Why something changed: ``type`` is user, api_client, guest, system, rule or process."""

    type: str
    id: str = ""


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """A value before and after at ``path``; None means unanswered or (for a row) absent. Sensitive values stand as
    their masks.

    ``active`` and ``required`` are set where the question appeared, went or changed its requirement; the value itself
    may then be the same.
    ``path`` is an answer's path, a row's (``locations/<row id>``), ``question_sets/<code>``, or a field of the copy
    such as ``copy/title``.
    """

    path: str
    before: AnswerValue
    after: AnswerValue
    cause: Cause
    active: bool | None = None
    required: str | None = None


def fold(changes: Iterable[Change]) -> list[Change]:
    """Fold changes in order of time to one per path: the first before, the last of all else; a value that ended as it
    began is left out.
    """
    folded: dict[str, Change] = {}
    for change in changes:
        earlier = folded.get(change.path)
        if earlier is not None:
            change = msgspec.structs.replace(
                change,
                before=earlier.before,
                active=earlier.active if change.active is None else change.active,
                required=earlier.required if change.required is None else change.required,
            )
        folded[change.path] = change
    return [
        change
        for change in folded.values()
        if change.before != change.after or change.active is not None or change.required is not None
    ]
