"""One change of a copy as history, API and live updates show it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from copies.document import AnswerValue
from copies.paths import COPY, Path

_STRICTNESS: Final = ("", "pii", "spi")


def strictest(*tags: str) -> str:
    """Return the strictest of some sensitivities ("", "pii" or "spi")."""
    return max(tags, key=_STRICTNESS.index) if any(tags) else ""


def outside_title(path: str) -> str:
    """Return a title for a ``path`` outside the document: ``Copy: locked at``, ``Quote requests``."""
    place = Path(path)
    if place.is_attached:
        return place.kind.replace("_", " ").capitalize()
    return f"{'Copy' if place.field_owner == COPY else 'Form'}: {place.code.replace('_', ' ')}"


#: The type of the cause of changes that a release made, such as a renamed question; the id is the release's number.
RELEASE: Final = "release"
#: The causes of a decision anew, without any change by a person or program: a publish, and midnight at the tenant.
ANEW: Final = frozenset({RELEASE, "day"})


class Cause(msgspec.Struct, frozen=True):
    """The cause of a change: ``type`` is user, api_client, guest, system, rule, process, release or day."""

    type: str
    id: str = ""


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """The value at ``path`` before and after; None means unanswered or (for a row) absent. A sensitive value is
    represented by its mask.

    ``active`` and ``required`` are set where the question appeared, went or changed its requirement, ``confirmed``
    where other warnings are confirmed than before, ``proposed`` where a value is proposed (its source in words) or no
    longer is (""); the value itself may then be the same. ``tag`` is the strictest sensitivity ("", "pii" or "spi")
    under which the two values were recorded. ``copies.paths`` lists the forms of paths.
    """

    path: str
    before: AnswerValue
    after: AnswerValue
    cause: Cause
    active: bool | None = None
    required: str | None = None
    tag: str = ""
    confirmed: tuple[str, ...] | None = None
    proposed: str | None = None


def fold(changes: Iterable[Change]) -> list[Change]:
    """Fold changes in order of time to one per path: ``before`` of the first, all else of the last.

    Changes that were undone are left out, also those of a question's state, and changes inside a removed row. A change
    of a sensitive answer is never left out: its absence would tell that the value is the same again.
    """
    folded: dict[str, Change] = {}
    for change in changes:
        earlier = folded.get(change.path)
        folded[change.path] = change if earlier is None else _joined(earlier, change)
    gone = {path for path, change in folded.items() if change.after is None}
    return [
        change
        for change in folded.values()
        if (change.before != change.after or _has_state(change) or change.tag)
        and gone.isdisjoint(Path(change.path).rows_around())
    ]


def _joined(earlier: Change, later: Change) -> Change:
    later = msgspec.structs.replace(later, before=earlier.before, tag=strictest(earlier.tag, later.tag))
    # ``active`` is set only where it changed, so two opposite values cancel each other.
    if earlier.active is not None and later.active is not None and earlier.active != later.active:
        return msgspec.structs.replace(later, active=None, required=None)
    return msgspec.structs.replace(
        later,
        active=earlier.active if later.active is None else later.active,
        required=earlier.required if later.required is None else later.required,
        confirmed=earlier.confirmed if later.confirmed is None else later.confirmed,
        proposed=earlier.proposed if later.proposed is None else later.proposed,
    )


def _has_state(change: Change) -> bool:
    states = (change.active, change.required, change.confirmed, change.proposed)
    return any(state is not None for state in states)
