"""Helpers for tests of attached records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batch.changes.changeset import Changeset

#: Saves a change and checks all invariants of a save.
Saved = Callable[..., Any]


def other_events(result: Any) -> list[str]:
    """Return the events of the save other than ``answers.changed``."""
    return [action.event_type for action in result.actions if action.kind == "publish_webhook"]


def only(changeset: Changeset, kind: str) -> Any:
    (found,) = getattr(changeset, kind)
    return found
