"""Clones a form within its tenant: a new form with all copies, decided anew, saved in one transaction or not at all.

The source is only read. A renewal is a clone across terms (``scenarios.renewed_document``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing
from datetime import timedelta
from typing import Final, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from django.utils import timezone
from uuid_utils.compat import uuid7

from batch.changes.attached import ClonedCopy
from batch.changes.changeset import KINDS
from batch.changes.mutators.quote_requests import QUOTE_REQUESTS
from batch.changes.records import CopyRecord, FormRecord, Loaded, SaveResult
from batch.changes.snapshots import CopyFields, FormFields
from batch.context import BatchContext
from batch.errors import CopyIsHeld, VersionMismatch
from batch.idempotency import IdempotencyKey, StoredResponse
from batch.save import Companion, save
from batch.storage.load import load
from batch.storage.load_many import load_many
from copies.cloned_document import Finding, RowIds, clone_document
from copies.codec import decode, decode_document, encode_document
from copies.models import Copy
from copies.paths import with_row_ids
from copies.sealed_answers import Sealer
from rules.flow.evaluation import Evaluation
from scenarios.renewed_document import RenewalNotes, Term, last_premiums, renew_document
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

#: In place of a response until the last copy is decided, and for orders without a key; never stored.
NO_RESPONSE: Final = StoredResponse(202, {}, b"")


class ClonePart(msgspec.Struct):
    """One copy of a clone with its source; ``findings`` are the answers that it could not take over, ``notes`` what a
    renewal did. ``result`` is set once the copy is decided.
    """

    source: Loaded
    context: BatchContext
    findings: list[Finding]
    notes: RenewalNotes
    result: SaveResult | None = None


class Clone(msgspec.Struct):
    """A cloned form, its copies in order, the default copy first; or only the ``earlier`` response to its key."""

    form_id: UUID | None = None
    parts: list[ClonePart] = []
    earlier: StoredResponse | None = None


#: Makes the response to a clone, before anything is written.
RespondToClone: TypeAlias = Callable[[Clone], StoredResponse]


class CloneOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The request for a clone: ``expected_version`` is that of the copy that the id means; with an ``idempotency`` key
    the response is stored with the clone. The ``companion`` is called in the clone's transaction
    (``batch.save``). A dry run decides the copies and writes nothing.
    """

    is_renewal: bool = False
    expected_version: int | None = None
    idempotency: IdempotencyKey | None = None
    respond: RespondToClone = lambda clone: NO_RESPONSE
    companion: Companion | None = None
    is_dry_run: bool = False


def clone_form(form_or_copy_id: UUID, order: CloneOrder, *, scope: Tenant, actor: Actor) -> Clone:
    """Clone the form with this id, or with a copy of this id: all copies that are not deleted, unlocked, under new ids.

    Raises ``NotFound``, ``VersionMismatch``, ``CopyIsHeld`` while a process works on one of the copies, the errors of a
    save, ``IdempotencyConflict``, ``IdempotencyReplay``; then nothing was written.
    """
    with use_tenant(scope), ExitStack() as opened:
        asked = load(form_or_copy_id, scope=scope, idempotency=order.idempotency)
        if asked.stored_response is not None:
            return Clone(earlier=asked.stored_response)
        require_version(asked, order.expected_version)
        sources = _sources(asked, scope)
        maker = _Maker(sources, scope=scope, actor=actor, order=order)
        parts = [maker.part(source) for source in sources]
        for part in parts:
            opened.enter_context(closing(part.context))
        clone = Clone(parts[0].context.form.id, parts)
        return save_clone(clone, order.respond, companion=order.companion, is_dry_run=order.is_dry_run)


def require_version(asked: Loaded, expected: int | None) -> None:
    """Raise ``VersionMismatch`` where the copy has another version than the caller read."""
    if expected is not None and expected != asked.copy.version:
        raise VersionMismatch(expected=expected, actual=asked.copy.version)


def refuse_held(sources: Iterable[Loaded]) -> None:
    """Raise ``CopyIsHeld`` where a process works on one of ``sources``."""
    for source in sources:
        if source.held is not None:
            kind, until = source.held
            raise CopyIsHeld(kind=kind, until=until)


def save_clone(
    clone: Clone, respond: RespondToClone, *, companion: Companion | None = None, is_dry_run: bool = False
) -> Clone:
    """Decide and save all copies of ``clone`` in one transaction; the response is made when the last is decided.

    Only the context of the last copy has the request's idempotency key. The tenant must be in scope.
    """
    waiting = iter(clone.parts)

    def respond_after_last(result: SaveResult) -> StoredResponse:
        part = next(waiting)
        part.result = result
        # Only the last response is stored, because only its context has a key.
        return respond(clone) if part is clone.parts[-1] else NO_RESPONSE

    save([part.context for part in clone.parts], respond=respond_after_last, companion=companion, is_dry_run=is_dry_run)
    return clone


class _Maker:
    """Makes the copies of one clone."""

    def __init__(self, sources: Sequence[Loaded], *, scope: Tenant, actor: Actor, order: CloneOrder) -> None:
        self._scope = scope
        self._actor = actor
        self._order = order
        self._now = sources[0].now or timezone.now()
        self._last = sources[-1]
        self._rows: RowIds = {}
        self._ids = {source.copy.id: uuid7() for source in sources}
        self._versions = {source.copy.id: source.copy.version for source in sources}
        form = sources[0].form
        self._form = FormRecord(
            id=self._ids[sources[0].copy.id],
            catalogue=form.catalogue,
            as_of=None if order.is_renewal else form.as_of,
            created_at=self._now,
            is_test=form.is_test or actor.is_sandbox,
            fields=FormFields(
                base_copy_id=self._ids.get(form.fields.base_copy_id) if form.fields.base_copy_id else None
            ),
        )
        #: The copies by their last touch, the latest first.
        self._touched = [one.copy.id for one in sorted(sources, key=_touch, reverse=True)]

    def part(self, source: Loaded) -> ClonePart:
        """Return the clone of ``source`` with its changes, not saved yet."""
        document = decode_document(source.copy.document)
        identity = self._ids[source.copy.id]
        old = Sealer(tenant_id=self._scope.id, copy_id=source.copy.id, key=source.copy.key)
        new = Sealer(tenant_id=self._scope.id, copy_id=identity, key=None)
        findings = clone_document(document, self._rows, source=old, target=new)
        # The order of last touches stays: the clone's id means the clone of the same copy.
        place = self._touched.index(source.copy.id)
        now = self._now - timedelta(microseconds=place)
        copied_from = self._copied_from(source)
        record = CopyRecord(
            identity,
            self._form.id,
            0,
            self._fields(source),
            created_at=self._now,
            updated_at=now,
            last_touched_by_user_at=source.copy.last_touched_by_user_at,
            release_id=source.copy.release_id,
            document=encode_document(document),
            key=new.key,
            copied_from_id=copied_from[0],
            copied_from_version=copied_from[1],
        )
        context = BatchContext(
            Loaded(self._form, record, is_last=len(self._ids) == 1, now=now),
            scope=self._scope,
            actor=self._actor,
            writable=True,
            idempotency=self._order.idempotency if source is self._last else None,
        )
        self._clone_records(source, context, is_last_touched=place == 0)
        notes = self._renew(source, context) if self._order.is_renewal else RenewalNotes()
        return ClonePart(source, context, findings, notes)

    def _fields(self, source: Loaded) -> CopyFields:
        owner = None if self._actor.type == "user" else source.copy.fields.owner_id
        return CopyFields(source.copy.fields.title, owner_id=owner)

    def _copied_from(self, source: Loaded) -> tuple[UUID, int]:
        """Return the copy and version that a clone comes from: the clone of the copy that ``source`` was made from, if
        that has not changed since, else ``source`` itself. So merges find the state that two copies have in common.
        """
        origin = source.copy.copied_from_id
        if origin is not None and self._versions.get(origin) == source.copy.copied_from_version:
            return self._ids[origin], 1
        return source.copy.id, source.copy.version

    def _clone_records(self, source: Loaded, context: BatchContext, *, is_last_touched: bool) -> None:
        tracker = context.changeset.tracker
        for kind in KINDS:
            for row in source.attached.get(kind.name, ()):
                target = ClonedCopy(
                    new_id=tracker.new_id(),
                    now=tracker.now,
                    is_last_touched=is_last_touched,
                    products=tracker.catalogue.products,
                    place=lambda path: with_row_ids(path, self._rows),
                )
                cloned = kind.cloned(row, target)
                if cloned is not None:
                    tracker.put_record(kind, cloned)

    def _renew(self, source: Loaded, context: BatchContext) -> RenewalNotes:
        # The document was never saved: what the renewal does to it is no change, but where it begins.
        document, about = context.changeset.document, context.save_context
        evaluation = decode(source.copy.evaluation, Evaluation)
        requests = source.attached.get(QUOTE_REQUESTS.name, ())
        document.last_premiums = last_premiums(evaluation.eligibility, requests)
        term = Term(about.as_of, about.now, ZoneInfo(self._scope.time_zone))
        return renew_document(document, context.changeset.catalogue, term)


def _sources(asked: Loaded, scope: Tenant) -> list[Loaded]:
    """Return the form's copies that are not deleted, the default copy first. Raises ``CopyIsHeld``."""
    copies = Copy.objects.filter(application_form_id=asked.form.id, deleted_at=None)
    ids = list(copies.order_by("created_at", "id").values_list("id", flat=True))
    sources = [asked] if ids == [asked.copy.id] else list(load_many(ids, scope=scope).values())
    refuse_held(sources)
    return sorted(sources, key=lambda one: (one.copy.id != asked.form.id, one.copy.created_at, one.copy.id))


def _touch(source: Loaded) -> tuple[float, float]:
    """Return a key that sorts copies by their last touch by a user; of two without one the older copy is later."""
    touched = source.copy.last_touched_by_user_at
    return (touched.timestamp() if touched else 0, -source.copy.created_at.timestamp())
