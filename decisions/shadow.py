"""Decides the shadow rules of current releases for open copies, and counts how often they would have fired.

Nothing here has an effect on a copy: results are rows of their own, which only staff see.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import msgspec
import structlog
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from catalogue import releases
from copies.codec import UnreadableDocument, decode_narrow_document
from copies.models import Copy
from copies.sealed_answers import Sealer
from decisions.decide_many import DecidingRelease, StoredCopy
from decisions.models import ShadowRecord
from decisions.stored_copies import Waiting, read_waiting
from decisions.waiting import list_databases, today_at
from encryption.envelope import DecryptionFailed
from encryption.key_ring import KeyServiceUnavailable
from forms.models import ApplicationForm
from rules.definition.model import CompiledCatalogue
from rules.flow.followed_renames import follow_renames
from rules.flow.shadow import ShadowResult, shadow_results
from rules.flow.shown_questions import decide
from rules.flow.state import State
from tenants.current_tenant import across_tenants
from tenants.models import Tenant

#: Copies that are decided and recorded at once.
CHUNK: Final = 200
#: Copies that are named for each rule on the page of a release.
MOST_NAMED: Final = 20
_FAULTS: Final = (UnreadableDocument, DecryptionFailed, KeyServiceUnavailable, msgspec.MsgspecError)

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class ShadowCount:
    """How often one shadow rule of a release would have fired, and the copies that it would have fired for last."""

    fired: int = 0
    not_fired: int = 0
    unknown: int = 0
    copies: list[tuple[UUID, UUID]] = field(default_factory=list)

    @property
    def decided(self) -> int:
        """Return the number of copies for which the rule was decided."""
        return self.fired + self.not_fired + self.unknown


def record_shadow_rules(tenant: Tenant, *, seconds: float = 1.0) -> bool:
    """Decide the shadow rules for copies of ``tenant`` for about ``seconds``; return whether copies are left. The
    tenant must be in scope.
    """
    ends = time.monotonic() + seconds
    for code in _catalogues():
        try:
            release = releases.current(code)
        except releases.NoRelease:
            continue
        while release.compiled.shadow:
            ids = list(_unrecorded(code, release.id).values_list("pk", flat=True)[:CHUNK])
            if not ids:
                break
            waiting = read_waiting(Q(pk__in=ids), tenant=tenant, today=today_at(tenant), limit=CHUNK)
            _record(waiting, release, tenant)
            if time.monotonic() >= ends:
                return True
    return False


def shadow_state(copy: StoredCopy, release: DecidingRelease) -> State:
    """Return the decided state of ``copy`` under ``release``. Raises ``UnreadableDocument``, ``DecryptionFailed``,
    ``KeyServiceUnavailable``.
    """
    document = decode_narrow_document(copy.document)
    sealer = Sealer(tenant_id=copy.tenant_id, copy_id=copy.id, key=copy.key)
    follow_renames(document, copy.renames, sealing=sealer)
    state = State(release.compiled, document, as_of=copy.as_of, reveal=sealer.reveal)
    decide(state)
    return state


def count_shadow_rules(release_id: int, compiled: CompiledCatalogue) -> dict[str, ShadowCount]:
    """Return the counts of each shadow rule of a release, over the tenants in scope of all databases."""
    counts = {rule.name: ShadowCount() for rule in compiled.shadow}
    for alias in list_databases():
        with across_tenants(using=alias):
            for row in _rows(alias, release_id):
                _add(counts, row)
    return counts


def _rows(alias: str, release_id: int) -> Iterator[ShadowRecord]:
    records = ShadowRecord.objects.using(alias).filter(release_id=release_id).order_by("-recorded_at")
    return records.iterator(chunk_size=1_000)


def _add(counts: dict[str, ShadowCount], row: ShadowRecord) -> None:
    for name, result in row.results.items():
        count = counts.get(name)
        if count is None:
            continue
        setattr(count, result, getattr(count, result) + 1)
        if result == "fired" and len(count.copies) < MOST_NAMED:
            count.copies.append((row.tenant_id, row.copy_id))


def _catalogues() -> list[str]:
    return sorted(set(ApplicationForm.objects.order_by().values_list("catalogue", flat=True).distinct()))


def _unrecorded(catalogue: str, release_id: int) -> QuerySet[Copy]:
    """Return the open copies whose present version is not recorded for a release."""
    forms = ApplicationForm.objects.filter(catalogue=catalogue, deleted_at=None, is_test=False)
    known = ShadowRecord.objects.filter(copy_id=OuterRef("pk"), release_id=release_id, version=OuterRef("version"))
    copies = Copy.objects.filter(locked_at=None, deleted_at=None, application_form_id__in=forms.order_by().values("pk"))
    found: QuerySet[Copy] = copies.exclude(Exists(known)).order_by("pk")
    return found


def _record(waiting: Sequence[Waiting], release: DecidingRelease, tenant: Tenant) -> None:
    rows = []
    for one in waiting:
        results: dict[str, ShadowResult] = {}
        if not one.is_ended:
            try:
                results = shadow_results(shadow_state(one.copy, release))
            except _FAULTS as error:
                log.error("shadow_rules_not_decided", copy=str(one.copy.id), reason=type(error).__name__)
        rows.append(
            ShadowRecord(
                tenant_id=tenant.pk,
                copy_id=one.copy.id,
                release_id=release.id,
                version=one.version,
                results=results,
                recorded_at=Now(),
            )
        )
    ShadowRecord.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["copy_id", "release_id"],
        update_fields=["version", "results", "recorded_at"],
    )
