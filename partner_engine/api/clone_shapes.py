"""The response shapes of clones. Pure."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType


class LeftOutShape(msgspec.Struct, frozen=True):
    """An answer, row, question set or product that a clone could not take over: its path in the source and why."""

    path: str
    code: str
    detail: str


class ClonedCopyShape(msgspec.Struct, frozen=True, kw_only=True):
    """One copy of a clone; ``cloned_from`` is missing in another tenant. Without the right ``forms:read`` there are
    only ``id`` and ``version``.

    In a renewal ``proposed`` are the paths of answers that wait for a confirmation, ``moved`` those of dates of the
    next term, ``asked_again`` those of sensitive answers that are no longer valid.
    """

    id: str
    version: int
    title: str | UnsetType = UNSET
    cloned_from: str | UnsetType = UNSET
    left_out: list[LeftOutShape] = []
    proposed: list[str] = []
    moved: list[str] = []
    asked_again: list[str] = []


class CloneShape(msgspec.Struct, frozen=True, kw_only=True):
    """A cloned form at ``tenant``, its default copy first."""

    application_form_id: str
    tenant: str
    copies: list[ClonedCopyShape]
