"""Request and response shapes of merges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from copies.document import Answer, PoolRow
from copies.merge import Difference, Kind, Side, Sort, State
from partner_engine.api.http.input import Body
from presentation import shapes
from presentation.visibility import Visibility

Version = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class MergeInput(Body, frozen=True, kw_only=True):
    """A copy to merge, and the picks by the ids of the differences: ``mine`` keeps what this copy has, ``theirs`` takes
    what the other copy has.

    ``from_version`` is the version of the other copy that the picks are based on; a merge requires it. ``others`` is
    the pick of differences without one that are no clash: by default the side that changed, or ``mine`` for all.
    """

    from_copy: UUID
    from_version: Version | None = None
    picks: Annotated[dict[Annotated[str, Meta(max_length=40)], Side], Meta(max_length=20_000)] = {}
    others: Literal["changed", "mine"] = "changed"


class UndoInput(Body, frozen=True, kw_only=True):
    """The version that the merge made, by default the last merge that was not undone."""

    version: Version | None = None


class PartShape(msgspec.Struct, frozen=True):
    """A part as one side has it: an ``answer``, a whole ``row``, or the codes of the ``confirmed`` warnings; empty for
    a question set or a product. A part that a side does not have is null.
    """

    answer: shapes.AnswerShape | UnsetType = UNSET
    row: shapes.RowShape | UnsetType = UNSET
    confirmed: list[str] | UnsetType = UNSET


class DifferenceShape(msgspec.Struct, frozen=True, kw_only=True):
    """One difference at ``path`` in this copy, ``source_path`` in the other. ``sort`` says who changed it since the
    common ancestor: mine, theirs, both in the same way (``same``) or in different ways (``clash``); ``differs`` if
    there is no common ancestor. ``pick`` is the side that the response is about, null for a clash without a pick.
    """

    id: str
    kind: Kind
    path: str
    source_path: str
    sort: Sort
    pick: Side | None
    base: PartShape | None
    mine: PartShape | None
    theirs: PartShape | None


class MergedVersion(msgspec.Struct, frozen=True):
    """A version of a copy."""

    id: str
    version: int


class MergeShape(msgspec.Struct, frozen=True, kw_only=True):
    """A merge, or with ``dry_run`` its plan: the differences, clashes first, with the effect of the picks so far.

    ``ancestor`` is the version that both copies come from, null for copies that have nothing in common. ``unpicked``
    are the ids of clashes without a pick: they stay as they are here, and a merge is refused until they have one.
    """

    from_copy: MergedVersion
    ancestor: MergedVersion | None
    differences: list[DifferenceShape]
    unpicked: list[str]
    result: shapes.ChangesShape


class UndoShape(msgspec.Struct, frozen=True, kw_only=True):
    """The undoing of a merge. ``kept`` are the paths that somebody has changed since: they stay as they are."""

    kept: list[str]
    result: shapes.ChangesShape


def difference_shape(difference: Difference, picks: Mapping[str, Side], visibility: Visibility) -> DifferenceShape:
    """Return the shape of a difference, as a reader may see it."""
    own = difference.path, difference.path, difference.source_path
    states = difference.base, difference.mine, difference.theirs
    base, mine, theirs = (_part(path, state, visibility) for path, state in zip(own, states, strict=True))
    return DifferenceShape(
        id=difference.id,
        kind=difference.kind,
        path=difference.path,
        source_path=difference.source_path,
        sort=difference.sort,
        pick=picks.get(difference.id),
        base=base,
        mine=mine,
        theirs=theirs,
    )


def _part(path: str, state: State, visibility: Visibility) -> PartShape | None:
    if isinstance(state, Answer):
        return PartShape(answer=shapes.answers({path: state}, visibility)[path])
    if isinstance(state, PoolRow):
        return PartShape(row=shapes.rows({"": [state]}, visibility)[""][0])
    if isinstance(state, tuple):
        return PartShape(confirmed=[given.code for given in state])
    return PartShape() if state else None
