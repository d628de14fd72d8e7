"""Clones one copy into another tenant: a new form there, sealed under that tenant's key, in its database.

Nothing that is stored links the two: ids, row ids and people are new, and no lineage is kept. The source is only read.
"""

from __future__ import annotations

import hashlib
from contextlib import closing
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from msgspec.structs import replace
from uuid_utils.compat import uuid7

from batch.changes.open_values import protect_open_values, protect_values
from batch.changes.records import CopyRecord, FormRecord, Loaded
from batch.changes.snapshots import CopyFields
from batch.context import BatchContext
from batch.errors import UnknownCatalogue
from batch.idempotency import IdempotencyKey
from batch.save_context import save_context_for
from batch.storage.load import load, load_nothing
from catalogue import releases
from copies.cloned_document import Finding, clone_document
from copies.codec import decode_document, encode_document
from copies.document import Answer
from copies.sealed_answers import Sealer
from encryption.wrapped_key import WrappedKey
from presentation.visibility import NOBODY, PERSONAL, PUBLIC, Visibility
from rules.flow.followed_renames import follow_renames
from scenarios.cloning import Clone, CloneOrder, ClonePart, refuse_held, require_version, save_clone
from scenarios.fitted_document import Carries, Fitting
from scenarios.renewed_document import RenewalNotes
from tenants.access import Actor, Right
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

log = structlog.get_logger(__name__)

#: The author of the new form at the other tenant, which does not know the person who cloned it.
_FROM_ELSEWHERE: Final = Actor(type="system", id="clone", source="api", label="Clone from another partner")


def clone_to_tenant(form_or_copy_id: UUID, order: CloneOrder, *, scope: Tenant, target: Tenant, actor: Actor) -> Clone:
    """Clone the copy with this id, or the form's copy last touched by a user, into ``target`` as a new form.

    What the catalogue of ``target`` does not ask, and what the actor may not read, is left out and in the findings.
    The key of an order belongs to ``target`` too. Raises ``MissingRight``, and as ``clone_form``.
    """
    actor.require(Right.CLONE_TO_TENANTS)
    key = _key_at_target(order.idempotency, scope)
    with use_tenant(target):
        now, earlier = load_nothing(key, scope=target)
    if earlier is not None:
        return Clone(earlier=earlier)
    with use_tenant(scope):
        source = load(form_or_copy_id, scope=scope)
        require_version(source, order.expected_version)
        refuse_held([source])
        copy_id = uuid7()
        document, wrapped, findings = _document(source, copy_id, scope=scope, target=target, actor=actor)
    with use_tenant(target):
        loaded = _loaded(source, copy_id, document, wrapped, target=target, now=now)
        is_test = source.form.is_test or actor.is_sandbox
        loaded = replace(loaded, form=replace(loaded.form, is_test=is_test))
        context = BatchContext(loaded, scope=target, actor=_FROM_ELSEWHERE, writable=True, idempotency=key)
        with closing(context):
            protect_open_values(context.changeset.tracker, context.changeset.document)
            part = ClonePart(source, context, findings, RenewalNotes())
            clone = save_clone(Clone(loaded.form.id, [part]), order.respond)
    log.info("cloned_to_tenant", copy=str(source.copy.id), tenant=target.code, left_out=len(findings))
    return clone


def _document(
    source: Loaded, copy_id: UUID, *, scope: Tenant, target: Tenant, actor: Actor
) -> tuple[bytes, WrappedKey | None, list[Finding]]:
    """Return the document of the clone, its key, and what is left out."""
    document = decode_document(source.copy.document)
    old = Sealer(tenant_id=scope.id, copy_id=source.copy.id, key=source.copy.key)
    new = Sealer(tenant_id=target.id, copy_id=copy_id, key=None)
    about = save_context_for(source, scope=scope, actor=actor)
    is_readable = source.copy.key is not None
    follow_renames(document, about.renames, sealing=old if is_readable else None)
    carries = _carries(Visibility(about.release.compiled, NOBODY), actor)
    try:
        catalogue = releases.current(target.catalogue, tenant_id=target.id).compiled
    except releases.NoRelease as error:
        raise UnknownCatalogue(target.catalogue) from error
    fitting = Fitting(catalogue, carries=carries, reveal=old.reveal if is_readable else None)
    fitting.fit(document)
    unreadable = clone_document(document, {}, source=old, target=new, keeps_lineage=False)
    # Here some questions may be more sensitive than when they were answered, and than they are there.
    protect_values(about.release.compiled, document, sealing=new)
    return encode_document(document), new.key, fitting.findings + unreadable


def _carries(visibility: Visibility, actor: Actor) -> Carries:
    """Return whether the actor may pass on an answer: only what they may read."""

    def carries(path: str, answer: Answer) -> bool:
        tag = answer.proposed.tag if answer.proposed else ""
        level = visibility.of(path, answer, tag=tag)
        if level is PUBLIC:
            return True
        return actor.may(Right.READ_PERSONAL if level is PERSONAL else Right.REVEAL_SENSITIVE)

    return carries


def _loaded(
    source: Loaded, copy_id: UUID, document: bytes, key: WrappedKey | None, *, target: Tenant, now: datetime
) -> Loaded:  # fmt: skip
    record = CopyRecord(copy_id, copy_id, 0, CopyFields(source.copy.fields.title), now, now, document=document, key=key)
    return Loaded(FormRecord(copy_id, target.catalogue, None, now), record, now=now)


def _key_at_target(key: IdempotencyKey | None, scope: Tenant) -> IdempotencyKey | None:
    """Return the key under a name from which the other tenant cannot tell the client."""
    if key is None:
        return None
    digest = hashlib.sha256(f"{scope.id}\n{key.client}\n{key.key}".encode()).hexdigest()
    return replace(key, client=f"clone:{digest}")
