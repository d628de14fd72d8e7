"""Checks of drift, by samples: documents against versions, decisions and quotes against documents, and the shared index
and the search against copies.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from batch import service as batch
from batch.context import BatchContext
from batch.errors import BatchError
from copies.codec import decode_document
from copies.history import contents
from copies.index_repair import GRACE, repair_copy_index
from copies.models import Copy, CopyIndex, CopyRevision
from copies.stored_versions import Content
from partner_engine.doctor.samples import SAMPLE, sampled_copies, scope_alias
from partner_engine.examinations.check import Check, Finding
from redis_locks.job_mutex import JobMutex
from rules.flow import check_flow
from search.indexer import rebuild_search
from search.models import SearchEntry
from tenants.access import system_actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tenants.moves.gate import hidden_tenants
from tenants.selectors import reachable_tenants

#: The search follows a save within seconds while a relay works.
SEARCH_LAG: Final = timedelta(minutes=10)
_COPY: Final = ("copies", "copy")
_NAMED: Final = 3


def check_documents(now: datetime) -> Finding:
    """Check that each sampled document opens, and is that of its last version."""
    ids = sampled_copies()
    return _finding(ids, [copy_id for copy_id in ids if not _is_its_version(copy_id)], "differ from their last version")


def check_decisions(now: datetime) -> Finding:
    """Check that deciding the sampled copies again changes neither decision nor quotes. Writes nothing."""
    alias, ids = scope_alias(), sampled_copies()
    tenants = {tenant.id: tenant for tenant in reachable_tenants() if tenant.database_alias == alias}
    owners = dict(Copy.objects.filter(id__in=ids).values_list("id", "tenant_id"))
    moved = [copy_id for copy_id, owner in owners.items() if _moves(copy_id, tenants.get(owner))]
    return _finding(ids, moved, "are decided otherwise than stored, or have quotes in another state")


def check_index(now: datetime) -> Finding:
    """Check that sampled copies have their entry in the shared index, and sampled entries their copy."""
    alias, ids = scope_alias(), sampled_copies()
    places = {row[0]: row[1:] for row in Copy.objects.filter(id__in=ids).values_list("id", *_PLACE)}
    known = {row[0]: row[1:] for row in CopyIndex.objects.filter(copy_id__in=ids).values_list("copy_id", *_PLACE)}
    wrong = [copy_id for copy_id, place in places.items() if known.get(copy_id) != place]
    homes = [tenant.id for tenant in Tenant.objects.all() if tenant.database_alias == alias]
    old = CopyIndex.objects.filter(tenant_id__in=homes, created_at__lt=now - GRACE).order_by("-created_at")
    entries = dict(old.values_list("copy_id", "tenant_id")[:SAMPLE])
    there = set(Copy.objects.filter(id__in=list(entries)).values_list("id", flat=True))
    # Read after the rows: a tenant that moves meanwhile has its copies, hidden behind its gate.
    moving = hidden_tenants(alias)
    wrong += [copy_id for copy_id, owner in entries.items() if copy_id not in there and owner not in moving]
    return _finding([*ids, *entries], wrong, "have a missing, wrong or superfluous entry in the shared index")


_PLACE: Final = ("application_form_id", "tenant_id")


def check_search(now: datetime) -> Finding:
    """Check that sampled copies are in the search with their version."""
    ids = sampled_copies()
    rows = Copy.objects.filter(id__in=ids, updated_at__lt=now - SEARCH_LAG)
    versions = dict(rows.values_list("id", "version"))
    known = dict(SearchEntry.objects.filter(pk__in=list(versions)).values_list("pk", "version"))
    behind = [copy_id for copy_id, version in versions.items() if known.get(copy_id, 0) < version]
    return _finding(list(versions), behind, "are missing in the search, or in it with an older version")


def repair_index() -> str:
    """Repair the shared index of all databases."""
    with JobMutex("repair_copy_index") as is_ours:
        if not is_ours:
            return "another repair of the index runs now"
        done = repair_copy_index(dry_run=False)
    return f"{done.missing} missing, {done.wrong} wrong and {done.without_copy} superfluous entries repaired"


def repair_search() -> str:
    """Update the search entries of all tenants."""
    stale = 0
    with JobMutex("rebuild_search") as is_ours:
        if not is_ours:
            return "another rebuild of the search runs now"
        for tenant in reachable_tenants():
            *_, last = rebuild_search(tenant, dry_run=False)
            stale += last.stale + last.without_copy
    return f"{stale} entries updated"


def _is_its_version(copy_id: UUID) -> bool:
    """Return whether the copy's document is that of its last version; a save meanwhile is looked at again."""
    for _ in range(3):
        copy = Copy.objects.filter(pk=copy_id).values("version", "document", "evaluation", "chain").first()
        if copy is None:
            return True
        try:
            is_equal = _equals_its_revision(copy_id, copy)
        except Exception:  # noqa: BLE001 - a document that raises anything at all does not open
            is_equal = False
        if is_equal:
            return True
    return False


def _equals_its_revision(copy_id: UUID, copy: dict[str, Any]) -> bool:
    decode_document(bytes(copy["document"]))
    revision = CopyRevision.objects.filter(copy_id=copy_id, version=copy["version"]).values("chain").first()
    if revision is None or bytes(revision["chain"]) != bytes(copy["chain"]):
        return False
    ((_, content),) = contents(copy_id, first=copy["version"], last=copy["version"])
    return content == Content.of(bytes(copy["document"]), bytes(copy["evaluation"]))


def _moves(copy_id: UUID, tenant: Tenant | None) -> bool:
    """Return whether a save without changes would change the copy; one whose decision is due anyway does not count."""
    if tenant is None:
        return False
    with use_tenant(tenant):
        try:
            context = batch.find(copy_id, scope=tenant, actor=system_actor("doctor"))
            if context.loaded.keeps_decision or not context.is_evaluation_current:
                return False
            if _is_decided_otherwise(context):
                return True
            result = context.preview()
        except BatchError:
            # Locked, deleted, or of a catalogue that is gone: it keeps its decision.
            return False
    if any(change.after == "expired" for change in result.changes):
        return False  # the hourly look at validities does it
    return bool(result.changes) or bool(result.moved)


def _is_decided_otherwise(context: BatchContext) -> bool:
    """Return whether a full run decides otherwise than stored; a save without changes trusts the stored decision."""
    changeset = context.read_only_changeset()
    decided = check_flow.run(
        context.release.compiled,
        changeset.document,
        as_of=context.save_context.as_of,
        release=context.release.id,
        reveal=changeset.sealing.reveal,
    )
    return decided.evaluation.eligibility != context.evaluation.eligibility


def _finding(seen: Iterable[UUID], wrong: list[UUID], words: str) -> Finding:
    """Return a finding about the sample ``seen``."""
    amount = len(set(seen))
    if not amount:
        return Finding(figure="0", text="nothing to look at yet")
    if not wrong:
        return Finding(figure=f"{amount:,}", text="sampled, and all are right", tone="good")
    more = f" and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
    text = f"of {amount:,} sampled copies {words}: {', '.join(map(str, wrong[:_NAMED]))}{more}"
    return Finding(figure=f"{len(wrong):,}", text=text, tone="bad")


DRIFT_CHECKS: Final[Iterable[Check]] = (
    Check(
        title="Documents",
        label=_COPY,
        look=check_documents,
        remedy="Run manage.py verify_history; restore the copy from a backup if it was altered outside of the product.",
    ),
    Check(
        title="Decisions and quotes",
        label=_COPY,
        look=check_decisions,
        remedy="Decide the copies again: manage.py batch submit re_evaluate (docs/operations.md), and report a defect.",
    ),
    Check(
        title="Shared index",
        label=_COPY,
        look=check_index,
        remedy="Run manage.py repair_copy_index, or doctor --repair.",
        repair=repair_index,
    ),
    Check(
        title="Search",
        label=_COPY,
        look=check_search,
        remedy="See whether the relay runs, then run manage.py rebuild_search, or doctor --repair.",
        repair=repair_search,
    ),
)
