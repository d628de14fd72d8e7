"""The words for the states of operations and of their items: the one source for all faces. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: The stages of operations, by state.
STAGES: Final[Mapping[str, str]] = {
    "pending": "Waiting to start",
    "in_progress": "Running",
    "paused": "Paused",
    "completed": "Completed",
    "partial": "Completed with failures",
    "cancelled": "Cancelled",
}
#: Items, by state.
ITEM_WORDS: Final[Mapping[str, str]] = {
    "queued": "Queued",
    "in_progress": "Running",
    "completed": "Completed",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
