"""What tests of the rows beside a document share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batch.changes.changeset import Changeset

#: Carries a change out and checks everything that holds on every save.
Saved = Callable[..., Any]


def told(result: Any) -> list[str]:
    """Return the events that the save told beside ``answers.changed``."""
    return [action.event_type for action in result.actions if action.kind == "publish_webhook"]


def only(changeset: Changeset, kind: str) -> Any:
    (found,) = getattr(changeset, kind)
    return found
