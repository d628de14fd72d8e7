"""Builds the rows of one save: the copy's columns, its revision, the outbox rows, declinations, a new form, and the
attached records that changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from actions.outbox import outbox_rows
from batch.changes.changeset import Changeset
from batch.changes.mutators.quote_requests import QUOTE_REQUESTS
from batch.changes.records import DecisionMark, Loaded, Row, SaveContext, SaveResult, SaveRows, is_touch
from batch.storage.column_limits import require_storable
from batch.storage.declinations import declinations
from batch.storage.revisions import as_text, revision_of, revision_row
from batch.storage.summary import listed_summary, search_texts
from batch.storage.tables import TABLE_OF
from copies.codec import content, document_content, store
from copies.models import Copy
from copies.stored_versions import Content
from encryption.wrapped_key import WrappedKey
from forms.models import ApplicationForm
from rules.flow.day import depends_on_day


def rows_of_save(changeset: Changeset, result: SaveResult, *, key: WrappedKey | None) -> SaveRows:
    """Return the rows of the decided save ``result``; ``key`` is the copy's data key. Raises ``WrongValue``."""
    loaded, context = changeset.tracker.loaded, changeset.tracker.context
    is_new_form = loaded.creates == "form"
    form_fields = changeset.form_fields
    # What was loaded is stored already.
    if loaded.is_new or changeset.copy_fields != loaded.copy.fields:
        require_storable(Copy, msgspec.structs.asdict(changeset.copy_fields))
    if loaded.is_new or form_fields != loaded.form.fields:
        require_storable(ApplicationForm, msgspec.structs.asdict(form_fields))
    attached = _attached(changeset, loaded, context)  # before the encoding: a wrong value is refused by its name
    decided = mark_of(changeset, result)
    changes = content(result.changes)
    revision = revision_of(
        loaded.copy,
        revision_row(
            loaded.copy, context, version=result.version, release_id=result.evaluation.release, cause=changeset.cause
        ),
        content=Content(document_content(changeset.document), content(result.evaluation)),
        changes=changes,
    )
    return SaveRows(
        copy_id=loaded.copy.id,
        application_form_id=loaded.form.id,
        loaded_version=loaded.copy.version,
        copy=_copy(changeset, result, key, decided) | {"chain": as_text(revision.link)},
        decided=decided,
        document=revision.whole.document,
        evaluation=revision.whole.evaluation,
        changes=store(changes),
        chain=revision.link,
        wrapped_key=key.to_stored() if key else None,
        revision=revision.row,
        delta=None if revision.keeps.is_whole else (revision.keeps.document, revision.keeps.evaluation),
        outbox=outbox_rows(
            result.actions,
            tenant_id=context.tenant_id,
            copy_id=loaded.copy.id,
            version=result.version,
            correlation_id=context.correlation_id,
            now=context.now,
        ),
        declinations=declinations(changeset, result),
        attached=attached,
        new_form=_new_form(changeset, loaded, context) if is_new_form else None,
        form=msgspec.to_builtins(form_fields) if changeset.tracker.touches_form and not is_new_form else None,
        form_version=loaded.form.version,
    )


def mark_of(changeset: Changeset, result: SaveResult) -> DecisionMark:
    """Return what leads to the decision of the save: the present release and day, or what it was if it is kept."""
    loaded, evaluation = changeset.tracker.loaded, result.evaluation
    if result.is_decision_kept:
        return loaded.copy.decided
    is_dated = loaded.form.as_of is None and depends_on_day(changeset.catalogue, changeset.document)
    return DecisionMark(evaluation.release, evaluation.as_of if is_dated else None, evaluation.edition)


def _copy(
    changeset: Changeset, result: SaveResult, key: WrappedKey | None, decided: DecisionMark
) -> dict[str, Any]:  # fmt: skip
    """Return the copy's columns without its bytes."""
    loaded, context = changeset.tracker.loaded, changeset.tracker.context
    text, personal = search_texts(changeset.catalogue, changeset.document)
    copy = loaded.copy
    return {
        "id": copy.id,
        "tenant_id": context.tenant_id,
        "application_form_id": loaded.form.id,
        "version": result.version,
        "release_id": result.evaluation.release,
        "decided_release_id": decided.release_id,
        "decided_on": decided.day,
        "decided_edition": decided.edition,
        "key_id": key.key_id if key else "",
        "key_version": key.version if key else 1,
        "summary": listed_summary(
            changeset.catalogue,
            changeset.document,
            result.evaluation,
            requests=changeset.tracker.attached[QUOTE_REQUESTS.name].rows.values(),
            is_locked=changeset.copy_fields.locked_at is not None,
        ),
        "search_text": text,
        "search_personal": personal,
        "last_touched_by_user_at": context.now if is_touch(context.actor) else copy.last_touched_by_user_at,
        "created_at": copy.created_at,
        "updated_at": context.now,
        "copied_from_id": copy.copied_from_id,
        "copied_from_version": copy.copied_from_version,
        **msgspec.structs.asdict(changeset.copy_fields),
    }


def _new_form(changeset: Changeset, loaded: Loaded, context: SaveContext) -> Row:
    return {
        "id": loaded.form.id,
        "tenant_id": context.tenant_id,
        "version": 1,
        "catalogue": loaded.form.catalogue,
        "as_of": loaded.form.as_of,
        "is_test": loaded.form.is_test,
        "created_by_type": context.actor.type,
        "created_by_id": context.actor.id,
        "created_at": context.now,
        **msgspec.structs.asdict(changeset.form_fields),
    }


def _attached(changeset: Changeset, loaded: Loaded, context: SaveContext) -> Mapping[str, Sequence[Row]]:
    """Return the attached records that changed, by kind."""
    owners = {"copy_id": loaded.copy.id, "application_form_id": loaded.form.id}
    changed: dict[str, list[dict[str, Any]]] = {}
    for name, accumulator in changeset.tracker.attached.items():
        records = accumulator.finalize()
        if not records:
            continue
        table = TABLE_OF[name]
        owned = {"tenant_id": context.tenant_id, table.owner: owners[table.owner]}
        changed[name] = [{**msgspec.structs.asdict(after), **owned} for _, after in records]
        for row in changed[name]:
            require_storable(table.model, row)
    return changed
