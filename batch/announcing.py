"""What the world is told of a save: the deferred actions that go into its transaction. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from actions.kinds import DeferredAction, IndexForm, PublishWebhook
from copies.changes import Change
from forms.rules.compile import CompiledCatalogue
from forms.rules.evaluation import ProductOutcome


def announce(
    catalogue: CompiledCatalogue,
    *,
    copy_id: UUID,
    version: int,
    created: str,
    changes: Sequence[Change],
    moved: Mapping[str, ProductOutcome | None],
) -> list[DeferredAction]:
    """Return the actions of one save; ``created`` is "form", "copy" or "" for a save of an existing copy."""
    identity = str(copy_id)

    def event(event_type: str, data: dict[str, Any]) -> PublishWebhook:
        return PublishWebhook(event_type=event_type, copy_id=identity, version=version, data=data)

    actions: list[DeferredAction] = [IndexForm(copy_id=identity)]
    if created:
        actions.append(event(f"{created}.created", {}))
    if changes:
        actions.append(event("answers.changed", {"changes": [_told(catalogue, change) for change in changes]}))
    if moved:
        actions.append(event("product.outcome_changed", {"products": msgspec.to_builtins(moved)}))
    return actions


def _told(catalogue: CompiledCatalogue, change: Change) -> dict[str, Any]:
    """Return ``change`` without the values of sensitive and personal answers."""
    told: dict[str, Any] = msgspec.to_builtins(change)
    question = catalogue.questions.get(change.path.rpartition("/")[2])
    if question is not None and question.question.sensitivity:
        del told["before"], told["after"]
        told["sensitive"] = True
    return told
