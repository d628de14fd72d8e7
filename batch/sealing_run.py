"""The sealing run: seals what was stored in plain text before its question became secret, copy by copy.

In documents, their revisions, declinations and stored events. The state of the rows is its progress: what is sealed is
not looked for again, and after an interruption the next run goes on where values are still open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import connections, transaction

from batch import service
from batch.changes.open_values import (
    mask_changes,
    mask_evaluation,
    mask_inputs,
    open_values,
    protect_open_values,
    seal_open_values,
    secret_codes,
)
from batch.context import BatchContext
from batch.errors import BatchError, StaleChangeset
from batch.storage.sealed_rows import SealedContent, write_earlier_version, write_inputs, write_next_version
from batch.storage.summary import search_texts, summarise
from batch.withheld_values import withhold_stored
from catalogue import releases
from copies.changes import Change
from copies.codec import decode, decode_document, encode, encode_document
from copies.models import Copy, CopyRevision
from forms.models import ApplicationForm, Declination
from rules.definition.model import CompiledCatalogue
from rules.flow.evaluation import Evaluation
from tenants.access import system_actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

CHUNK: Final = 100
#: How long the run waits for a copy that somebody is saving, in seconds.
_WAIT_SECONDS: Final = 5.0
_ACTOR: Final = system_actor("seal_answers")

log = structlog.get_logger(__name__)


@dataclass(kw_only=True, slots=True)
class Sealed:
    """The progress of a run at one tenant: copies ``looked_at``, ``copies`` with open values, sealed ``values`` of
    their present versions, earlier versions (``revisions``) and ``events`` that held some, and copies that were in use
    all the time (``left``).
    """

    looked_at: int = 0
    copies: int = 0
    values: int = 0
    revisions: int = 0
    events: int = 0
    left: int = 0


def reachable_tenants() -> list[Tenant]:
    """Return the tenants whose database this process is connected to."""
    return [tenant for tenant in Tenant.objects.order_by("code") if tenant.database_alias in connections]


def count_open_forms(catalogue: str) -> int:
    """Return how many forms of the catalogue, over all tenants, hold open values in a present version."""
    compiled = releases.current(catalogue).compiled
    forms: set[UUID] = set()
    for tenant in reachable_tenants():
        for copies in _chunks(tenant, catalogue):
            forms |= {
                copy.application_form_id
                for copy in copies
                if next(open_values(compiled, decode_document(bytes(copy.document))), None) is not None
            }
    return len(forms)


def seal_tenant(tenant: Tenant, *, dry_run: bool = False) -> Iterator[Sealed]:
    """Seal the open values of the tenant; yield the progress after each chunk of copies.

    A dry run counts and changes nothing. Safe during saves: each copy is locked, and its version guards the write.
    """
    done = Sealed()
    with use_tenant(tenant):
        catalogues = sorted(set(ApplicationForm.objects.order_by().values_list("catalogue", flat=True)))
    for code in catalogues:
        try:
            compiled = releases.current(code).compiled
        except releases.NoRelease:
            continue
        for copies in _chunks(tenant, code):
            for copy in copies:
                _seal_copy(tenant, copy, compiled, done, dry_run=dry_run)
            done.looked_at += len(copies)
            yield done
        if not dry_run:
            done.events += withhold_stored(tenant, code, secret_codes(compiled))
    yield done


def _chunks(tenant: Tenant, catalogue: str) -> Iterator[list[Copy]]:
    """Yield the copies of the catalogue's forms at the tenant, deleted ones too, in the order of their ids."""
    last: UUID | None = None
    while True:
        with use_tenant(tenant):
            forms = ApplicationForm.objects.filter(catalogue=catalogue).order_by().values("pk")
            rows = Copy.objects.filter(application_form_id__in=forms).order_by("pk")
            rows = rows if last is None else rows.filter(pk__gt=last)
            found = list(rows.only("id", "application_form_id", "document")[:CHUNK])
        if not found:
            return
        yield found
        last = found[-1].pk


def _seal_copy(tenant: Tenant, copy: Copy, catalogue: CompiledCatalogue, done: Sealed, *, dry_run: bool) -> None:
    is_open = next(open_values(catalogue, decode_document(bytes(copy.document))), None) is not None
    with use_tenant(tenant):
        revisions = [identity for identity, *_ in _open_revisions(copy.pk, catalogue)]
    if not is_open and not revisions:
        return
    done.copies += 1
    if dry_run:
        done.revisions += len(revisions)
        done.values += sum(1 for _ in open_values(catalogue, decode_document(bytes(copy.document))))
        return
    try:
        with service.find_and_lock(copy.pk, scope=tenant, actor=_ACTOR, archived=True, wait=_WAIT_SECONDS) as context:
            _seal_locked(context, done)
    except BatchError as error:
        log.warning("sealing_left_copy", copy=str(copy.pk), reason=error.code)
        done.left += 1


def _seal_locked(context: BatchContext, done: Sealed) -> None:
    """Write the copy's sealed document as a new version, and its earlier versions in place, in one transaction.

    A save that has loaded the copy before is stale then: it would write the open values again, under another key.
    """
    changeset, catalogue = context.changeset, context.release.compiled
    values = protect_open_values(changeset.tracker, changeset.document)
    copy, alias = context.copy, context.scope.database_alias
    with use_tenant(context.scope), transaction.atomic(using=alias):
        revisions = 0
        for identity, document, evaluation, changes in _open_revisions(copy.id, catalogue):
            seal_open_values(catalogue, document, sealing=context.sealer)
            content = SealedContent(
                document=encode_document(document),
                evaluation=encode(mask_evaluation(catalogue, evaluation)),
                changes=encode(mask_changes(catalogue, changes)),
            )
            write_earlier_version(identity, content, alias=alias)
            revisions += 1
        if values or (revisions and copy.key is None):
            _write_version(context)
        for declination in Declination.objects.filter(copy_id=copy.id):
            inputs = mask_inputs(catalogue, declination.inputs)
            if inputs != declination.inputs:
                write_inputs(declination.pk, inputs, alias=alias)
    done.values += values
    done.revisions += revisions


def _write_version(context: BatchContext) -> None:
    """Write the context's document as the next version, decided as before. Raises ``StaleChangeset``."""
    document, catalogue = context.changeset.document, context.release.compiled
    evaluation = mask_evaluation(catalogue, context.evaluation)
    text, personal = search_texts(catalogue, document)
    content = SealedContent(document=encode_document(document), evaluation=encode(evaluation), changes=encode([]))
    written = write_next_version(
        context.copy,
        content,
        key=context.sealer.key,
        columns={"summary": summarise(catalogue, document, evaluation), "text": text, "personal": personal},
        context=context.save_context,
        alias=context.scope.database_alias,
    )
    if not written:
        raise StaleChangeset


def _open_revisions(copy_id: UUID, catalogue: CompiledCatalogue) -> Iterator[tuple[int, Any, Evaluation, list[Change]]]:
    """Yield the versions of the copy that hold open values, decoded; in the tenant's scope."""
    rows = CopyRevision.objects.filter(copy_id=copy_id).order_by("pk")
    for identity, *stored in rows.values_list("pk", "document", "evaluation", "changes").iterator(chunk_size=20):
        document = decode_document(bytes(stored[0]))
        evaluation, changes = decode(bytes(stored[1]), Evaluation), decode(bytes(stored[2]), list[Change])
        is_open = (
            next(open_values(catalogue, document), None) is not None
            or _values(mask_changes(catalogue, changes)) != _values(changes)
            or mask_evaluation(catalogue, evaluation) != evaluation
        )
        if is_open:
            yield identity, document, evaluation, changes


def _values(changes: list[Change]) -> list[tuple[Any, Any]]:
    return [(change.before, change.after) for change in changes]
