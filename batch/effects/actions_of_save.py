"""Emits the actions of a save: deferred actions that are written in its transaction and run by the relay. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from actions.kinds import DeferredAction, IndexForm, MarkQuotesStale, PublishWebhook
from batch.changes.attached import RecordEvent
from batch.changes.changeset import Changeset
from batch.changes.mutators.quote_requests import QUOTE_REQUESTS
from batch.changes.records import Loaded, PlannedSave, SaveResult
from batch.changes.tracker import ChangeTracker
from copies.changes import Change
from copies.paths import Path, is_in_document
from presentation.visibility import NOBODY, Visibility
from rules.definition.model import CompiledCatalogue
from rules.flow.evaluation import ProductOutcome


def emit(changeset: Changeset, result: SaveResult) -> SaveResult:
    """Return ``result`` with the actions of the save: those that follow from the changes, and the deferred ones."""
    if not result.written:
        return result
    tracker = changeset.tracker
    actions = actions_of_save(
        result, loaded=tracker.loaded, catalogue=tracker.catalogue, record_events=tracker.record_events()
    )
    actions += [
        MarkQuotesStale(copy_id=str(tracker.loaded.copy.id), carrier=carrier) for carrier in _submitted_to(tracker)
    ]
    return replace(result, actions=actions + changeset.deferred)


def _submitted_to(tracker: ChangeTracker) -> list[str]:
    """Return the carriers to which this save submits a request, also where the carrier has replied already."""
    changed = tracker.attached[QUOTE_REQUESTS.name].finalize()
    return sorted(
        {
            after.carrier
            for before, after in changed
            if after.submitted_at is not None and (before is None or before.submitted_at != after.submitted_at)
        }
    )


def actions_of_save(
    result: SaveResult,
    *,
    loaded: Loaded,
    catalogue: CompiledCatalogue,
    record_events: Iterable[RecordEvent] = (),
) -> list[DeferredAction]:
    """Return the actions that follow from the changes; ``record_events`` are those of attached records."""
    copy_id, changes, created = str(loaded.copy.id), result.changes, loaded.creates

    def event(event_type: str, data: dict[str, Any], subject: str = "") -> PublishWebhook:
        return PublishWebhook(
            event_type=event_type,
            copy_id=copy_id,
            application_form_id=str(loaded.form.id),
            version=result.version,
            data=data,
            subject=subject,
            is_test=loaded.form.is_test,
        )

    actions: list[DeferredAction] = [IndexForm(copy_id=copy_id)]
    if created:
        actions.append(event(f"{created}.created", {}))
    answers = _redacted(catalogue, changes)
    if answers:
        actions.append(event("answers.changed", {"changes": answers}))
    actions += [event(name, {}) for name in _field_events(changes) if not created]
    actions += [event("question_set.completed", {"question_set": code}, code) for code in _completed(changes)]
    if result.moved:
        products = _redacted_outcomes(catalogue, result.moved)
        actions.append(event("product.outcome_changed", {"products": products}))
    for number, (name, data) in enumerate(record_events, 1):
        actions.append(event(name, data, str(number)))
    return actions


def _completed(changes: Sequence[Change]) -> list[str]:
    """Return the question sets that are complete now."""
    paths = [Path(change.path) for change in changes if change.after == "completed"]
    return [path.code for path in paths if path.is_question_set]


def live_facts(save: PlannedSave) -> dict[str, Any]:
    """Return the facts of a save for the viewers of the copy: nothing sensitive or personal, whatever their rights.

    A change outside of the document is named by its path alone.
    """
    result, catalogue = save.result, save.context.release.compiled
    without_values = [
        {"path": change.path, "cause": msgspec.to_builtins(change.cause), "untold": True}
        for change in result.changes
        if not Path(change.path).is_in_document
    ]
    return {
        "changes": _redacted(catalogue, result.changes) + without_values,
        "eligibility": _redacted_outcomes(catalogue, result.moved),
        "needed": msgspec.to_builtins(result.evaluation.needed),
        "messages": msgspec.to_builtins(
            Visibility(catalogue, NOBODY).messages(result.evaluation.messages, lambda: result.document)
        ),
    }


def _field_events(changes: Sequence[Change]) -> list[str]:
    """Return the events of copy and form themselves: ``copy.renamed``, ``copy.locked``, ``form.archived``, ..."""
    names = {
        "copy/title": ("copy.renamed", "copy.renamed"),
        "copy/owner_id": ("copy.transferred", "copy.transferred"),
        "copy/locked_at": ("copy.locked", "copy.unlocked"),
        "copy/deleted_at": ("copy.deleted", "copy.restored"),
        "application_form/deleted_at": ("form.archived", "form.restored"),
        "application_form/base_copy_id": ("copy.made_base", "copy.made_base"),
    }
    return [names[change.path][change.after is None] for change in changes if change.path in names]


def _redacted_outcomes(
    catalogue: CompiledCatalogue, moved: Mapping[str, ProductOutcome | None]
) -> dict[str, dict[str, Any] | None]:  # fmt: skip
    return {code: None if outcome is None else _redacted_outcome(catalogue, outcome) for code, outcome in moved.items()}


def _redacted_outcome(catalogue: CompiledCatalogue, outcome: ProductOutcome) -> dict[str, Any]:
    """Return ``outcome`` without the limits that private answers ask for."""
    visibility = Visibility(catalogue, NOBODY)
    redacted: dict[str, Any] = msgspec.to_builtins(outcome)
    for adjustment in redacted.get("adjustments", ()):
        tag = adjustment.pop("tag", "")
        if not visibility.may_leave(adjustment["path"], adjustment["asked"], tag=tag):
            del adjustment["asked"]
    return redacted


def _redacted(catalogue: CompiledCatalogue, changes: Sequence[Change]) -> list[dict[str, Any]]:
    """Return the document's ``changes`` without the values of sensitive and personal answers."""
    visibility = Visibility(catalogue, NOBODY)
    of_document = [change for change in changes if is_in_document(change.path)]
    redacted: list[dict[str, Any]] = msgspec.to_builtins(of_document)
    for change in redacted:
        tag = change.pop("tag", "")
        if not visibility.may_leave(change["path"], change["before"], change["after"], tag=tag):
            del change["before"], change["after"]
            change["sensitive"] = True
    return redacted
