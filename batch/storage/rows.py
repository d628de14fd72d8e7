"""Puts together what one save writes: the copy's columns, its revision, the outbox rows, declinations, a new form, and
the rows beside the document that changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from actions.outbox import outbox_rows
from batch.changes.changeset import Changeset
from batch.storage.column_limits import require_storable
from batch.storage.declinations import declinations
from batch.storage.load import CopyRecord, FormRecord
from batch.storage.records import PEOPLE, SaveResult, Setting
from batch.storage.summary import search_texts, summarise
from batch.storage.tables import TABLE_OF
from batch.storage.write import Save
from copies.codec import encode, encode_document
from copies.models import Copy
from encryption.key_ring import WrappedKey
from forms.models import ApplicationForm
from rules.flow.evaluation import Evaluation


class Work(msgspec.Struct, frozen=True):
    """A decided unit of work: the copy as loaded, the changeset, what was concluded before and now."""

    form: FormRecord
    copy: CopyRecord
    setting: Setting
    changeset: Changeset
    key: WrappedKey | None
    before: Evaluation
    result: SaveResult


def assemble(work: Work) -> Save:
    """Return what the save of ``work`` writes."""
    setting, copy, result, changeset = work.setting, work.copy, work.result, work.changeset
    is_new_form = copy.version == 0 and setting.created == "form"
    require_storable(Copy, msgspec.structs.asdict(changeset.copy_fields))
    require_storable(ApplicationForm, msgspec.structs.asdict(changeset.form_fields))
    neighbours = _neighbours(work)  # before anything is encoded: what cannot be stored is refused by its name
    return Save(
        copy_id=copy.id,
        application_form_id=work.form.id,
        loaded_version=copy.version,
        copy=_copy(work),
        document=encode_document(changeset.document),
        evaluation=encode(result.evaluation),
        changes=encode(result.changes),
        wrapped_key=work.key.wrapped if work.key else None,
        revision=_revision(work),
        outbox=outbox_rows(
            result.actions,
            tenant_id=setting.scope.id,
            copy_id=copy.id,
            version=result.version,
            correlation_id=setting.correlation_id,
            now=setting.now,
        ),
        declinations=declinations(
            changeset, work.before, result.evaluation, setting=setting, copy_id=copy.id, version=result.version
        ),
        neighbours=neighbours,
        new_form=_new_form(work) if is_new_form else None,
        form=msgspec.to_builtins(changeset.form_fields) if changeset.touches_form and not is_new_form else None,
        form_version=work.form.version,
    )


def _copy(work: Work) -> dict[str, Any]:
    """Return the copy's columns but for its bytes."""
    setting, copy, changeset = work.setting, work.copy, work.changeset
    text, personal = search_texts(changeset.catalogue, changeset.document)
    return {
        "id": copy.id,
        "tenant_id": setting.scope.id,
        "application_form_id": work.form.id,
        "version": work.result.version,
        "release_id": setting.release.id,
        "key_id": work.key.key_id if work.key else "",
        "key_version": work.key.version if work.key else 1,
        "summary": summarise(changeset.catalogue, changeset.document, work.result.evaluation),
        "search_text": text,
        "search_personal": personal,
        "last_touched_by_user_at": setting.now if setting.actor.type in PEOPLE else copy.last_touched_by_user_at,
        "created_at": copy.created_at,
        "updated_at": setting.now,
        **msgspec.structs.asdict(changeset.copy_fields),
    }


def _revision(work: Work) -> dict[str, Any]:
    """Return the revision's columns but for its bytes."""
    setting = work.setting
    return {
        "tenant_id": setting.scope.id,
        "copy_id": work.copy.id,
        "version": work.result.version,
        "release_id": setting.release.id,
        "actor_type": setting.actor.type,
        "actor_id": setting.actor.id,
        "actor_label": setting.actor.label,
        "source": setting.actor.source,
        "correlation_id": setting.correlation_id,
        "created_at": setting.now,
    }


def _new_form(work: Work) -> dict[str, Any]:
    setting = work.setting
    return {
        "id": work.form.id,
        "tenant_id": setting.scope.id,
        "version": 1,
        "catalogue": work.form.catalogue,
        "as_of": work.form.as_of,
        "created_by_type": setting.actor.type,
        "created_by_id": setting.actor.id,
        "created_at": setting.now,
        **msgspec.structs.asdict(work.changeset.form_fields),
    }


def _neighbours(work: Work) -> Mapping[str, Sequence[dict[str, Any]]]:
    """Return the rows beside the document that changed, by kind."""
    owners = {"copy_id": work.copy.id, "application_form_id": work.form.id}
    changed = {}
    for name, accumulator in work.changeset.neighbours.items():
        owner = TABLE_OF[name].owner
        whose = {"tenant_id": work.setting.scope.id, owner: owners[owner]}
        rows = [{**msgspec.structs.asdict(after), **whose} for _, after in accumulator.finalize()]
        for row in rows:
            require_storable(TABLE_OF[name].model, row)
        if rows:
            changed[name] = rows
    return changed
