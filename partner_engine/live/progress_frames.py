"""The frames of the sockets of batch operations, as structs: the one source of their shapes in docs/live.md. Pure."""

from __future__ import annotations

import msgspec


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """The items of an operation by their states."""

    total: int
    queued: int
    in_progress: int
    completed: int
    failed: int
    cancelled: int


class Progress(msgspec.Struct, frozen=True, kw_only=True, tag="progress", tag_field="type"):
    """The present state of an operation. ``stage`` and ``message`` are for people; ``percentage`` has one decimal;
    ``seconds_left`` is null where it cannot be estimated.
    """

    operation: str
    kind: str
    title: str
    state: str
    stage: str
    percentage: float
    message: str
    counts: Counts
    seconds_left: float | None
