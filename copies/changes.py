"""One change of a document as history, API and messages tell it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from copies.document import AnswerValue

#: What paths begin with that are no pool's: fields of copy and form, parts of the document that are no answers.
NO_POOLS: Final = frozenset(
    {"copy", "application_form", "question_sets", "forced_excluded_products", "agent_bypassed_products"}
)


def is_beside_document(path: str) -> bool:
    """Tell whether a change at ``path`` is one of copy (``copy/title``) or form, or of a row beside the document
    (``copy.messages/<id>``), not of the document.
    """
    first, slash, _ = path.partition("/")
    # No pool's code has a dot.
    return bool(slash) and (first in ("copy", "application_form") or "." in first)


def beside_title(path: str) -> str:
    """Return what stands at a ``path`` beside the document, in words: ``Copy: locked at``, ``Quote requests``."""
    first, _, name = path.partition("/")
    owner, _, kind = first.partition(".")
    if kind:
        return kind.replace("_", " ").capitalize()
    return f"{'Copy' if owner == 'copy' else 'Form'}: {name.replace('_', ' ')}"


class Cause(msgspec.Struct, frozen=True):
    """Why something changed: ``type`` is user, api_client, guest, system, rule or process."""

    type: str
    id: str = ""


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """A value before and after at ``path``; None means unanswered or (for a row) absent. Sensitive values stand as
    their masks.

    ``active`` and ``required`` are set where the question appeared, went or changed its requirement; the value itself
    may then be the same.
    ``path`` is an answer's path, a row's (``locations/<row id>``), ``question_sets/<code>``, a field of copy or form
    such as ``copy/title``, or a row beside the document such as ``copy.messages/<id>``.
    """

    path: str
    before: AnswerValue
    after: AnswerValue
    cause: Cause
    active: bool | None = None
    required: str | None = None


def fold(changes: Iterable[Change]) -> list[Change]:
    """Fold changes in order of time to one per path: the first before, the last of all else.

    What ended as it began is left out; so are a question's state that went and came back, and what was in a row that is
    gone.
    """
    folded: dict[str, Change] = {}
    for change in changes:
        earlier = folded.get(change.path)
        folded[change.path] = change if earlier is None else _joined(earlier, change)
    gone = {path for path, change in folded.items() if change.after is None}
    return [
        change
        for change in folded.values()
        if (change.before != change.after or _has_state(change)) and gone.isdisjoint(_above(change.path))
    ]


def _above(path: str) -> list[str]:
    """Return the paths of the rows around ``path``."""
    steps = path.split("/")
    return ["/".join(steps[:length]) for length in range(2, len(steps), 2)]


def _joined(earlier: Change, later: Change) -> Change:
    # ``active`` is told only where it changed: told twice with opposite values, it is as it was before both.
    if earlier.active is not None and later.active is not None and earlier.active != later.active:
        return msgspec.structs.replace(later, before=earlier.before, active=None, required=None)
    return msgspec.structs.replace(
        later,
        before=earlier.before,
        active=earlier.active if later.active is None else later.active,
        required=earlier.required if later.required is None else later.required,
    )


def _has_state(change: Change) -> bool:
    return change.active is not None or change.required is not None
