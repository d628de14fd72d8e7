"""Puts together what one save writes: the copy's columns, its revision, the outbox rows, declinations, a new form."""

from __future__ import annotations

import msgspec

from actions.outbox import outbox_rows
from batch.changeset import Changeset
from batch.declining import declinations
from batch.loading import CopyRecord, FormRecord
from batch.saving import Save
from batch.setting import PEOPLE, SaveResult, Setting
from batch.summary import search_text, summarise
from copies.codec import encode, encode_document
from copies.models import CopyRevision
from copies.sealing import WrappedKey
from forms.models import ApplicationForm
from forms.rules.evaluation import Evaluation


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
    setting, copy, result = work.setting, work.copy, work.result
    document, evaluation = encode_document(work.changeset.document), encode(result.evaluation)
    is_new = copy.version == 0
    return Save(
        copy_id=copy.id,
        application_form_id=work.form.id,
        loaded_version=copy.version,
        columns={
            "version": result.version,
            "document": document,
            "evaluation": evaluation,
            "release_id": setting.release.id,
            "wrapped_key": work.key.wrapped if work.key else None,
            "key_id": work.key.key_id if work.key else "",
            "key_version": work.key.version if work.key else 1,
            "summary": summarise(work.changeset.catalogue, work.changeset.document, result.evaluation),
            "search_text": search_text(work.changeset.catalogue, work.changeset.document, personal=False),
            "search_personal": search_text(work.changeset.catalogue, work.changeset.document, personal=True),
            "last_touched_by_user_at": setting.now if setting.actor.type in PEOPLE else copy.last_touched_by_user_at,
            "created_at": copy.created_at,
            "updated_at": setting.now,
            **msgspec.structs.asdict(work.changeset.copy_fields),
        },
        revision=_revision(work, document, evaluation),
        outbox=outbox_rows(
            result.actions,
            tenant_id=setting.scope.id,
            copy_id=copy.id,
            version=result.version,
            correlation_id=setting.correlation_id,
            now=setting.now,
        ),
        declinations=declinations(
            work.changeset,
            work.before,
            result.evaluation,
            setting=setting,
            copy_id=copy.id,
            version=result.version,
        ),
        form=_form(work) if is_new and setting.created == "form" else None,
        deletes=work.changeset.copy_fields.deleted_at is not None and copy.fields.deleted_at is None,
    )


def _revision(work: Work, document: bytes, evaluation: bytes) -> CopyRevision:
    setting = work.setting
    return CopyRevision(
        tenant_id=setting.scope.id,
        copy_id=work.copy.id,
        version=work.result.version,
        document=document,
        evaluation=evaluation,
        changes=encode(work.result.changes),
        release_id=setting.release.id,
        actor_type=setting.actor.type,
        actor_id=setting.actor.id,
        actor_label=setting.actor.label,
        source=setting.actor.source,
        correlation_id=setting.correlation_id,
        created_at=setting.now,
    )


def _form(work: Work) -> ApplicationForm:
    setting = work.setting
    return ApplicationForm(
        id=work.form.id,
        tenant_id=setting.scope.id,
        catalogue=work.form.catalogue,
        as_of=work.form.as_of,
        created_by_type=setting.actor.type,
        created_by_id=setting.actor.id,
        created_at=setting.now,
    )
