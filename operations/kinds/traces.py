"""What an operation did to copies, as an undo needs to know it: versions and states, no values. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias
from uuid import UUID

import msgspec

#: What a save did to the presence of a copy, or of its form: it made the form, archived or restored it; it deleted the
#: copy or took that back.
Presence: TypeAlias = Literal["", "made", "archived", "restored", "deleted", "undeleted"]


class OwnerChange(msgspec.Struct, frozen=True):
    """The owner of a copy before and after a change, None for nobody."""

    before: UUID | None
    after: UUID | None


class CopyTrace(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one save of an operation did to a copy: its versions ``before`` and ``after`` (``before`` is 0 for a copy
    that it made), and the state of the copy's own fields, where it changed them.
    """

    copy_id: UUID
    before: int
    after: int
    presence: Presence = ""
    owner: OwnerChange | None = None


class Traces(msgspec.Struct, frozen=True):
    """The copies that one item changed."""

    copies: tuple[CopyTrace, ...] = ()


def stored_traces(copies: Iterable[CopyTrace]) -> dict[str, Any]:
    """Return ``copies`` as an item stores them."""
    found: dict[str, Any] = msgspec.to_builtins(Traces(tuple(copies)))
    return found


def read_traces(stored: dict[str, Any]) -> tuple[CopyTrace, ...]:
    """Return the copies of what an item stored. Raises ``msgspec.ValidationError``."""
    return msgspec.convert(stored, Traces).copies
