"""What the world is told of a save: the deferred actions that go into its transaction. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from actions.kinds import DeferredAction, IndexForm, MarkQuotesStale, PublishWebhook
from batch.changes.attached import Told
from copies.changes import Change, is_beside_document
from presentation.visibility import NOBODY, Visibility
from rules.definition.compiler import CompiledCatalogue
from rules.flow.evaluation import Message, Needed, ProductOutcome


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """What is told of: a copy of a form at the version that the save makes."""

    copy_id: UUID
    application_form_id: UUID
    version: int


def announce(
    catalogue: CompiledCatalogue,
    *,
    about: About,
    created: str,
    changes: Sequence[Change],
    moved: Mapping[str, ProductOutcome | None],
    told: Iterable[Told] = (),
) -> list[DeferredAction]:
    """Return the actions of one save; ``created`` is "form", "copy" or "" for a save of an existing copy.

    ``told`` are the events that follow from changes beside the document.
    """
    identity = str(about.copy_id)

    def event(event_type: str, data: dict[str, Any], subject: str = "") -> PublishWebhook:
        return PublishWebhook(
            event_type=event_type,
            copy_id=identity,
            application_form_id=str(about.application_form_id),
            version=about.version,
            data=data,
            subject=subject,
        )

    actions: list[DeferredAction] = [IndexForm(copy_id=identity)]
    if created:
        actions.append(event(f"{created}.created", {}))
    answers = _told(catalogue, changes)
    if answers:
        actions.append(event("answers.changed", {"changes": answers}))
    actions += [event(name, {}) for name in _field_events(changes) if not created]
    actions += [event("question_set.completed", {"question_set": code}, code) for code in _completed(changes)]
    if moved:
        products = {code: outcome and _outcome_told(catalogue, outcome) for code, outcome in moved.items()}
        actions.append(event("product.outcome_changed", {"products": products}))
    for number, (name, data) in enumerate(told, 1):
        actions.append(event(name, data, str(number)))
        if name == "quote_request.submitted":
            actions.append(MarkQuotesStale(copy_id=identity, carrier=data["carrier"]))
    return actions


def _completed(changes: Sequence[Change]) -> list[str]:
    """Return the question sets of which nothing is missing any more."""
    sets = [change for change in changes if change.path.startswith("question_sets/")]
    return [change.path.partition("/")[2] for change in sets if change.after == "completed"]


def live_facts(
    catalogue: CompiledCatalogue,
    *,
    changes: Sequence[Change],
    moved: Mapping[str, ProductOutcome | None],
    needed: Needed,
    messages: Sequence[Message],
) -> dict[str, Any]:
    """Return what those who look at the copy are told of one save: nothing sensitive or personal, whoever they are.

    A change of copy, form or a row beside the document is told by its path alone.
    """
    beside = [
        {"path": change.path, "cause": msgspec.to_builtins(change.cause), "untold": True}
        for change in changes
        if is_beside_document(change.path)
    ]
    return {
        "changes": _told(catalogue, changes) + beside,
        "eligibility": {code: outcome and _outcome_told(catalogue, outcome) for code, outcome in moved.items()},
        "needed": msgspec.to_builtins(needed),
        "messages": msgspec.to_builtins(messages),
    }


def _field_events(changes: Sequence[Change]) -> list[str]:
    """Return what was done to copy and form themselves: ``copy.renamed``, ``copy.locked``, ``form.archived``, ..."""
    names = {
        "copy/title": ("copy.renamed", "copy.renamed"),
        "copy/locked_at": ("copy.locked", "copy.unlocked"),
        "copy/deleted_at": ("copy.deleted", "copy.restored"),
        "application_form/deleted_at": ("form.archived", "form.restored"),
    }
    return [names[change.path][change.after is None] for change in changes if change.path in names]


def _outcome_told(catalogue: CompiledCatalogue, outcome: ProductOutcome) -> dict[str, Any]:
    """Return ``outcome`` without what was asked for by an answer that is not told."""
    visibility = Visibility(catalogue, NOBODY)
    told: dict[str, Any] = msgspec.to_builtins(outcome)
    for adjustment in told.get("adjustments", ()):
        if not visibility.may_leave(adjustment["path"], adjustment["asked"]):
            del adjustment["asked"]
    return told


def _told(catalogue: CompiledCatalogue, changes: Sequence[Change]) -> list[dict[str, Any]]:
    """Return the document's ``changes`` without the values of sensitive and personal answers."""
    visibility = Visibility(catalogue, NOBODY)
    of_document = [change for change in changes if not is_beside_document(change.path)]
    told: list[dict[str, Any]] = msgspec.to_builtins(of_document)
    for change in told:
        if not visibility.may_leave(change["path"], change["before"], change["after"]):
            del change["before"], change["after"]
            change["sensitive"] = True
    return told
