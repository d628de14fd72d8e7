"""Erasure of a form's keys: its sensitive answers can never be read again, in no version.

The answers are cleared in a new version of each copy, which asks for them again. Earlier versions stay sealed under
keys that no longer exist. Masks, the last characters, remain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from batch import service
from batch.context import BatchContext
from batch.errors import StaleChangeset
from batch.reveal import clean_reason
from batch.storage.sealed_rows import SealedContent, write_next_version
from copies.changes import Cause, Change
from copies.codec import decode_document, encode, encode_document
from copies.document import Document, walk_answers
from copies.models import Copy
from presentation.visibility import SECRET
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

_WAIT_SECONDS: Final = 10.0

log = structlog.get_logger(__name__)


@dataclass(kw_only=True, slots=True)
class Erased:
    """What an erasure did: the form's ``copies``, and the sensitive ``answers`` of their present versions."""

    copies: int = 0
    answers: int = 0


def erase_keys(form_id: UUID, *, scope: Tenant, actor: Actor, reason: str) -> Erased:
    """Erase the data keys of all copies of the form, locked, bound and deleted ones too.

    Callers check that ``actor`` may. Each copy is erased in a transaction of its own; a second call does what is left.
    Raises ``NoReason``, ``NotFound``, and ``LockNotAcquired`` or ``StaleChangeset`` for a copy in use.
    """
    reason = clean_reason(reason)
    form_id = service.find(form_id, scope=scope, actor=actor, archived=True).form.id
    erased = Erased()
    for copy_id in _copies(form_id, scope):
        with service.find_and_lock(copy_id, scope=scope, actor=actor, archived=True, wait=_WAIT_SECONDS) as context:
            if context.copy.key is not None:
                erased.answers += _erase(context)
                erased.copies += 1
    log.info("keys_erased", form=str(form_id), copies=erased.copies, answers=erased.answers, reason=reason)
    return erased


def _copies(form_id: UUID, scope: Tenant) -> Sequence[UUID]:
    with use_tenant(scope):
        rows = Copy.objects.filter(application_form_id=form_id).order_by("created_at", "pk")
        return list(rows.values_list("pk", flat=True))


def _erase(context: BatchContext) -> int:
    document, actor = decode_document(context.copy.document), context.save_context.actor
    changes = _clear_sealed(document, Cause(actor.type, actor.id), at=context.save_context.now)
    content = SealedContent(
        document=encode_document(document), evaluation=context.copy.evaluation, changes=encode(changes)
    )
    alias = context.scope.database_alias
    with use_tenant(context.scope):
        written = write_next_version(
            context.copy, content, key=None, context=context.save_context, alias=alias, decide=True
        )
    if not written:
        raise StaleChangeset
    return len(changes)


def _clear_sealed(document: Document, cause: Cause, *, at: datetime) -> list[Change]:
    """Clear the sealed answers of ``document``; return the changes, with masks in place of values."""
    changes = []
    for path, answer in walk_answers(document):
        if answer.sealed is not None:
            changes.append(Change(path, answer.mask, None, cause, tag=SECRET.tag))
            answer.sealed, answer.mask, answer.answered_by, answer.confirmed = None, "", None, ()
            answer.erased_at = at
    return changes
