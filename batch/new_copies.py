"""Builds the initial state of a context without a stored copy: a new form, or a new copy of a form.

An existing form is loaded instead (``batch.storage.load``).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from uuid import UUID

import msgspec
from django.utils import timezone
from uuid_utils.compat import uuid7

from batch.changes.changeset import KINDS
from batch.changes.free_texts import clean_line
from batch.changes.mutators.copy_fields import MAX_TITLE
from batch.changes.records import CopyRecord, FormRecord, Loaded
from batch.changes.snapshots import CopyFields
from batch.errors import CopiesAreOff, CopyIsHeld
from copies.codec import decode_document, encode_document
from copies.document import walk_answers
from copies.sealed_answers import Sealer
from encryption.wrapped_key import WrappedKey
from tenants.access import Actor
from tenants.flags import COPIES, explain_flag
from tenants.models import Tenant

#: The accepted evaluation dates; calculations with dates near the ends of the calendar would overflow.
AS_OF_RANGE: Final = (date(1970, 1, 1), date(2200, 1, 1))

#: The actors for whom the flag ``copies`` is on or off.
_ASKED: Final = frozenset({"user", "api_client", "guest"})


class NewForm(msgspec.Struct, frozen=True, kw_only=True):
    """How a new form starts: ``as_of`` is its evaluation date, None for today at the tenant; ``catalogue`` a code, ""
    for the tenant's.
    """

    title: str = ""
    as_of: date | None = None
    catalogue: str = ""


def new_form(
    start: NewForm, *, scope: Tenant, actor: Actor, now: datetime, identity: UUID | None = None
) -> Loaded:  # fmt: skip
    """Return a form that does not exist yet, with its default copy, whose id is the form's, by default a new one. Of a
    sandbox client it is a test form.

    Raises ``WrongValue`` or ``LooksSensitive`` for the title.
    """
    identity = identity or uuid7()
    title = clean_line(start.title, field="title", most=MAX_TITLE)
    return Loaded(
        FormRecord(identity, start.catalogue or scope.catalogue, start.as_of, now, is_test=actor.is_sandbox),
        CopyRecord(identity, identity, 0, CopyFields(title), now, now),
        now=now,
    )


def require_copies(actor: Actor, *, scope: Tenant) -> None:
    """Raise ``CopiesAreOff`` if the flag ``copies`` is off for ``actor``, a user or program of the tenant. The flag
    does not concern the product's own work.
    """
    if actor.type in _ASKED and not explain_flag(COPIES, actor=actor, tenant=scope):
        raise CopiesAreOff


def empty_copy(sibling: Loaded, *, title: str) -> Loaded:
    """Return a copy without answers, of the form of ``sibling``, that does not exist yet.

    Raises ``WrongValue`` or ``LooksSensitive`` for the title.
    """
    now = sibling.now or timezone.now()
    title = clean_line(title, field="title", most=MAX_TITLE) or "New copy"
    return _of_form(sibling, CopyRecord(uuid7(), sibling.form.id, 0, CopyFields(title), now, now))


def fresh_copy(source: Loaded, *, scope: Tenant, title: str) -> Loaded:
    """Return a copy of ``source`` that does not exist yet: the same rows and answers, sealed under a key of its own.

    Attached records of the source stay with it; those of the form belong to all copies. Raises ``CopyIsHeld`` while a
    process works on the source, ``WrongValue`` or ``LooksSensitive`` for the title.
    """
    if source.held is not None:
        kind, until = source.held
        raise CopyIsHeld(kind=kind, until=until)
    identity, now = uuid7(), source.now or timezone.now()
    document, key = _resealed(source, scope, identity)
    title = clean_line(title, field="title", most=MAX_TITLE)
    fields = CopyFields(title or f"Copy of {source.copy.fields.title or 'base'}"[:MAX_TITLE])
    record = CopyRecord(
        identity,
        source.form.id,
        0,
        fields,
        now,
        now,
        release_id=source.copy.release_id,
        document=document,
        key=key,
        copied_from_id=source.copy.id,
        copied_from_version=source.copy.version,
    )
    return _of_form(source, record)


def _of_form(sibling: Loaded, record: CopyRecord) -> Loaded:
    """Return the new copy ``record`` with the records that belong to all copies of the form of ``sibling``."""
    shared = {kind.name: sibling.attached.get(kind.name, ()) for kind in KINDS if kind.of_form}
    return msgspec.structs.replace(sibling, copy=record, attached=shared, is_last=False, held=None, is_past=False)


def _resealed(source: Loaded, scope: Tenant, copy_id: UUID) -> tuple[bytes, WrappedKey | None]:
    """Return the source's document for the copy ``copy_id``, with that copy's own key."""
    document = decode_document(source.copy.document)
    old = Sealer(tenant_id=scope.id, copy_id=source.copy.id, key=source.copy.key)
    new = Sealer(tenant_id=scope.id, copy_id=copy_id, key=None)
    for path, answer in walk_answers(document):
        if answer.sealed is not None:
            answer.sealed = new.seal(path, old.reveal(path, answer))
    return encode_document(document), new.key
