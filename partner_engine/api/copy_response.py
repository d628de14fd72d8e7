"""The response shapes of a copy, built from a batch context: at rest or during a save."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET, UnsetType

from batch.changes.records import CopyRecord, SaveResult, is_touch
from batch.changes.snapshots import CopyFields
from batch.context import BatchContext
from copies.models import Copy
from copies.paths import Path
from forms.selectors import state_of_copy
from forms.states import State, standing_of, state_of
from partner_engine.audit import note_personal_read
from partner_engine.copy_visibility import visibility_of
from presentation import shapes
from presentation.needed_counts import NeededCounts, needed_counts
from presentation.visibility import Visibility
from quoting.gates import gates_by, permissions_for
from quoting.permissions import Permissions
from rules.flow.evaluation import Evaluation
from tenants.access import Actor, Right

if TYPE_CHECKING:
    from forms.selectors import ListedCopy


def copy_shape(
    context: BatchContext,
    *,
    actor: Actor,
    result: SaveResult | None = None,
    permissions: Permissions | None = None,
    visibility: Visibility | None = None,
) -> shapes.CopyShape:
    """Return the copy as ``actor`` may see it; with ``result`` in its state after that save. ``permissions`` are the
    tenant's, if they were read before; ``visibility`` is the actor's, for a caller who asks it afterwards.
    """
    permissions = permissions_for(context, actor=actor) if permissions is None else permissions
    visibility = visibility or visibility_of(context, actor=actor)
    if result is None:
        changeset, evaluation = context.current_view()
    else:
        changeset, evaluation = context.changeset, result.evaluation
    document, fields = changeset.document, changeset.copy_fields
    deleted_at = fields.deleted_at or changeset.form_fields.deleted_at
    shape = shapes.CopyShape(
        id=str(context.copy.id),
        application_form_id=str(context.form.id),
        external_id=changeset.form_fields.external_id or None,
        metadata=dict(changeset.form_fields.metadata),
        test=context.form.is_test,
        title=fields.title,
        version=context.version if result is None else result.version,
        state=_state(context, evaluation, deleted_at=deleted_at, locked_at=fields.locked_at),
        catalogue=context.form.catalogue,
        as_of=evaluation.as_of,
        release=evaluation.release,
        owner_id=str(fields.owner_id) if fields.owner_id else None,
        is_base=changeset.is_base,
        copied_from=_copied_from(context.copy),
        locked_at=fields.locked_at,
        locked_by=_with_lock(fields, fields.locked_by_label),
        lock_reason=_with_lock(fields, fields.lock_reason),
        deleted_at=fields.deleted_at,
        last_touched_by_user_at=_touched_at(context, result),
        created_at=context.copy.created_at,
        updated_at=context.save_context.now if result is not None and result.written else context.copy.updated_at,
        answers=shapes.answers(document.answers, visibility),
        derived=shapes.derived(context.release.compiled, document, evaluation, visibility),
        answer_pools=shapes.rows(document.answer_pools, visibility),
        question_sets=shapes.question_sets(document),
        forced_excluded_products=document.forced_excluded_products,
        agent_bypassed_products=document.agent_bypassed_products,
        eligibility=shapes.eligibility(evaluation, visibility, last_premiums=document.last_premiums),
        gates=gates_by(permissions, changeset.catalogue, document, evaluation),
        needed=evaluation.needed,
        needed_counts=needed_counts(evaluation),
        messages=visibility.messages(evaluation.messages, lambda: document),
    )
    note_personal_read(actor=actor, copy_id=context.copy.id, count=visibility.personal_shown)
    return shape


def changes_shape(
    context: BatchContext, result: SaveResult, *, actor: Actor, dry_run: bool = False
) -> shapes.ChangesShape:
    """Return the changes of a save or dry run, as ``actor`` may see them."""
    visibility = visibility_of(context, actor=actor)
    shape = shapes.ChangesShape(
        id=str(context.copy.id),
        application_form_id=str(context.form.id),
        version=context.version if dry_run else result.version,
        dry_run=dry_run,
        changes=shapes.changes(result.changes, visibility),
        eligibility={
            code: None if outcome is None else shapes.outcome(outcome, visibility)
            for code, outcome in result.moved.items()
        },
        needed=result.evaluation.needed,
        needed_counts=needed_counts(result.evaluation),
        messages=visibility.messages(result.evaluation.messages, lambda: result.document),
    )
    note_personal_read(actor=actor, copy_id=context.copy.id, count=visibility.personal_shown)
    return shape


def saved_copy(context: BatchContext, result: SaveResult) -> shapes.CopyShape | shapes.Receipt:
    """Return the copy after a save as its actor may see it: only a receipt without the right to read forms."""
    actor = context.save_context.actor
    if not actor.may(Right.READ_FORMS):
        return _receipt(context, result)
    shape, refs = copy_shape(context, actor=actor, result=result), _refs(result)
    return shape if refs is UNSET else shapes.CopyWithRefsShape(**msgspec.structs.asdict(shape), refs=refs)


def saved_changes(
    context: BatchContext, result: SaveResult, *, dry_run: bool = False
) -> shapes.ChangesShape | shapes.Receipt:
    """Return the changes of a save or dry run as its actor may see them: only a receipt without the right to read
    forms.
    """
    actor = context.save_context.actor
    if not actor.may(Right.READ_FORMS):
        return _receipt(context, result, dry_run=dry_run)
    shape, refs = changes_shape(context, result, actor=actor, dry_run=dry_run), _refs(result)
    return shape if refs is UNSET else shapes.ChangesWithRefsShape(**msgspec.structs.asdict(shape), refs=refs)


def _receipt(context: BatchContext, result: SaveResult, *, dry_run: bool = False) -> shapes.Receipt:
    return shapes.Receipt(str(context.copy.id), context.version if dry_run else result.version, _refs(result))


def _refs(result: SaveResult) -> dict[str, shapes.RowRef] | UnsetType:
    """Return the new rows by the names that the request gives them, UNSET without any."""
    return {ref: shapes.RowRef(Path(path).code, path) for ref, path in result.refs.items()} or UNSET


def copy_summary(copy: ListedCopy, *, insured: str | None) -> shapes.CopySummary:
    """Return the summary of a listed copy; ``insured`` is the insured's name if the reader may see it."""
    summary = copy.summary
    return shapes.CopySummary(
        id=str(copy.id),
        title=copy.title,
        version=copy.version,
        state=state_of_copy(copy),
        insured=insured,
        lines=summary.get("lines", []),
        needed=summary.get("needed", 0),
        needed_counts=NeededCounts(**summary.get("needed_counts", {})),
        outcomes=summary.get("outcomes", {}),
        premiums=summary.get("premiums", {}),
        missing_for_price=summary.get("missing_for_price", {}),
        priced_by_carrier=summary.get("priced_by_carrier", []),
        owner_id=str(copy.owner_id) if copy.owner_id else None,
        is_base=copy.is_base,
        copied_from=_copied_from(copy),
        locked_at=copy.locked_at,
        locked_by=_with_lock(copy, copy.locked_by_label),
        lock_reason=_with_lock(copy, copy.lock_reason),
        deleted_at=copy.deleted_at,
        last_touched_by_user_at=copy.last_touched_by_user_at,
        created_at=copy.created_at,
        updated_at=copy.updated_at,
    )


def _copied_from(copy: CopyRecord | Copy) -> shapes.CopiedFrom | None:
    if copy.copied_from_id is None or copy.copied_from_version is None:
        return None
    return shapes.CopiedFrom(str(copy.copied_from_id), copy.copied_from_version)


def _with_lock(copy: CopyFields | Copy, value: str) -> str | None:
    return None if copy.locked_at is None else value


def _state(
    context: BatchContext, evaluation: Evaluation, *, deleted_at: datetime | None, locked_at: datetime | None
) -> State:
    outcomes = [outcome.outcome for outcome in evaluation.eligibility.values()]
    has_products = bool(context.release.compiled.products)
    standing = standing_of(needed=len(evaluation.needed.quote), outcomes=outcomes, has_products=has_products)
    return state_of(deleted=deleted_at is not None, locked=locked_at is not None, standing=standing)


def _touched_at(context: BatchContext, result: SaveResult | None) -> datetime | None:
    touches = result is not None and result.written and is_touch(context.save_context.actor)
    return context.save_context.now if touches else context.copy.last_touched_by_user_at
