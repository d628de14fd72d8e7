"""The sealing run: seals what was stored in plain text before its question became secret, copy by copy.

In documents, their revisions, declinations and stored events. The state of the rows is its progress: what is sealed is
not looked for again, and after an interruption the next run goes on where values are still open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
import structlog
from django.db import transaction

from batch import service
from batch.changes.open_values import (
    Secrets,
    mask_changes,
    mask_evaluation,
    mask_inputs,
    open_values,
    seal_open_values,
    secrets_of,
)
from batch.context import BatchContext
from batch.errors import BatchError, StaleChangeset
from batch.storage.rewritten_versions import EarlierVersion, earlier_versions, rewrite_versions
from batch.storage.sealed_rows import ListedColumns, SealedContent, write_inputs, write_next_version
from batch.storage.summary import search_texts, summarise
from batch.withheld_values import withhold_stored
from catalogue import releases
from catalogue.release_history import renames_between
from copies.chain import Amendment
from copies.changes import Change
from copies.codec import content, decode_document, document_content, encode, encode_document, store_document
from copies.document import Document
from copies.models import Copy
from copies.sealed_answers import Sealer
from copies.stored_versions import Content
from forms.models import ApplicationForm, Declination
from rules.definition.renames import Renames
from rules.flow.evaluation import Evaluation
from rules.flow.followed_renames import follow_renames
from tenants.access import system_actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tenants.selectors import reachable_tenants

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


class _Codes:
    """The secret questions by the codes of any release of one catalogue."""

    def __init__(self, catalogue: str, tenant: Tenant) -> None:
        """Take the current release of the tenant. Raises ``NoRelease``."""
        self._today = releases.current(catalogue, tenant_id=tenant.id)
        self.compiled = self._today.compiled
        self._known: dict[int | None, Secrets] = {}

    def secrets(self, release_id: int | None) -> Secrets:
        """Return the questions that are secret today, by their codes in a release."""
        if release_id not in self._known:
            self._known[release_id] = secrets_of(self.compiled, self._renames(release_id))
        return self._known[release_id]

    def follow(self, document: Document, release_id: int | None) -> Document:
        """Return ``document`` of a release with the codes of today, for lists and search."""
        follow_renames(document, self._renames(release_id))
        return document

    def _renames(self, release_id: int | None) -> tuple[Renames, ...]:
        return () if release_id is None else renames_between(release_id, self._today.id)


def count_open_forms(catalogue: str) -> int:
    """Return how many forms of the catalogue, over all tenants, hold open values in a present version."""
    forms: set[UUID] = set()
    for tenant in reachable_tenants():
        codes = _Codes(catalogue, tenant)
        for copies in _chunks(tenant, catalogue):
            forms |= {copy.application_form_id for copy in copies if _open_in(copy, codes)}
    return len(forms)


def seal_tenant(tenant: Tenant, *, dry_run: bool = False) -> Iterator[Sealed]:
    """Seal the open values of the tenant; yield the progress after each chunk of copies.

    A dry run counts and changes nothing. Safe during saves: each copy is locked, and its version guards the write.
    """
    done = Sealed()
    with use_tenant(tenant):
        catalogues = sorted(set(ApplicationForm.objects.order_by().values_list("catalogue", flat=True)))
    for catalogue in catalogues:
        try:
            codes = _Codes(catalogue, tenant)
        except releases.NoRelease:
            continue
        for copies in _chunks(tenant, catalogue):
            for copy in copies:
                _seal_copy(tenant, copy, codes, done, dry_run=dry_run)
            done.looked_at += len(copies)
            yield done
        if not dry_run:
            done.events += withhold_stored(tenant, catalogue, codes.secrets(None))
    yield done


def _chunks(tenant: Tenant, catalogue: str) -> Iterator[list[Copy]]:
    """Yield the copies of the catalogue's forms at the tenant, deleted ones too, in the order of their ids."""
    last: UUID | None = None
    while True:
        with use_tenant(tenant):
            forms = ApplicationForm.objects.filter(catalogue=catalogue).order_by().values("pk")
            rows = Copy.objects.filter(application_form_id__in=forms).order_by("pk")
            rows = rows if last is None else rows.filter(pk__gt=last)
            found = list(rows.only("id", "application_form_id", "release_id", "document")[:CHUNK])
        if not found:
            return
        yield found
        last = found[-1].pk


def _open_in(copy: Copy, codes: _Codes) -> int:
    """Return the number of open values in the copy's document."""
    secret = codes.secrets(copy.release_id)
    return sum(1 for _ in open_values(secret, decode_document(bytes(copy.document)))) if secret else 0


def _seal_copy(tenant: Tenant, copy: Copy, codes: _Codes, done: Sealed, *, dry_run: bool) -> None:
    values = _open_in(copy, codes)
    with use_tenant(tenant):
        revisions = sum(_opened(version, codes) is not None for *_, version in earlier_versions(copy.pk))
    if not values and not revisions:
        return
    done.copies += 1
    if dry_run:
        done.revisions += revisions
        done.values += values
        return
    try:
        with service.find_and_lock(copy.pk, scope=tenant, actor=_ACTOR, archived=True, wait=_WAIT_SECONDS) as context:
            _seal_locked(context, codes, done)
    except BatchError as error:
        log.warning("sealing_left_copy", copy=str(copy.pk), reason=error.code)
        done.left += 1


def _seal_locked(context: BatchContext, codes: _Codes, done: Sealed) -> None:
    """Write the copy's sealed document as a new version, and its earlier versions in place, in one transaction.

    A save that has loaded the copy before is stale then: it would write the open values again, under another key.
    """
    copy, alias = context.copy, context.scope.database_alias
    document = decode_document(copy.document)
    values = seal_open_values(codes.secrets(copy.release_id), document, sealing=context.sealer)
    with use_tenant(context.scope), transaction.atomic(using=alias):
        amendments = rewrite_versions(copy.id, lambda version: _sealed(version, codes, context.sealer), alias=alias)
        if values or amendments:
            _write_version(context, document, codes, amendments)
        for declination in Declination.objects.filter(copy_id=copy.id):
            inputs = mask_inputs(codes.secrets(declination.release_id), declination.inputs)
            if inputs != declination.inputs:
                write_inputs(declination.pk, inputs, alias=alias)
    done.values += values
    done.revisions += len(amendments)


def _write_version(context: BatchContext, document: Document, codes: _Codes, amendments: list[Amendment]) -> None:
    """Write ``document`` as the next version, decided as before, with the ``amendments`` of earlier versions.

    Raises ``StaleChangeset``.
    """
    copy, catalogue = context.copy, codes.compiled
    evaluation = mask_evaluation(catalogue, codes.secrets(copy.release_id), context.evaluation)
    sealed = SealedContent(
        document=encode_document(document),
        evaluation=encode(evaluation),
        changes=encode([]),
        amendments=amendments,
    )
    document = codes.follow(document, copy.release_id)
    text, personal = search_texts(catalogue, document)
    written = write_next_version(
        copy,
        sealed,
        key=context.sealer.key,
        columns=ListedColumns(summary=summarise(catalogue, document, evaluation), text=text, personal=personal),
        context=context.save_context,
        alias=context.scope.database_alias,
    )
    if not written:
        raise StaleChangeset


class _Opened(NamedTuple):
    """An earlier version that holds open values, with the questions that are secret today."""

    secret: Secrets
    document: Document
    evaluation: Evaluation
    changes: list[Change]


def _opened(version: EarlierVersion, codes: _Codes) -> _Opened | None:
    """Return the content of the version if it holds open values."""
    secret = codes.secrets(version.release_id)
    document = decode_document(store_document(version.content.document))
    evaluation = msgspec.json.decode(version.content.evaluation, type=Evaluation)
    changes = msgspec.json.decode(version.changes, type=list[Change])
    is_open = (
        next(open_values(secret, document), None) is not None
        or _values(mask_changes(secret, changes)) != _values(changes)
        or mask_evaluation(codes.compiled, secret, evaluation) != evaluation
    )
    return _Opened(secret, document, evaluation, changes) if is_open else None


def _sealed(version: EarlierVersion, codes: _Codes, sealer: Sealer) -> EarlierVersion | None:
    """Return the version with its open values sealed, None if it holds none."""
    opened = _opened(version, codes)
    if opened is None:
        return None
    seal_open_values(opened.secret, opened.document, sealing=sealer)
    evaluation = mask_evaluation(codes.compiled, opened.secret, opened.evaluation)
    sealed = Content(document_content(opened.document), content(evaluation))
    return version._replace(content=sealed, changes=content(mask_changes(opened.secret, opened.changes)))


def _values(changes: list[Change]) -> list[tuple[Any, Any]]:
    return [(change.before, change.after) for change in changes]
