"""Runs: decide the waiting copies of a tenant anew, chunk by chunk.

A copy whose decision changes is saved by the system, like any other save; of one whose decision stays the same, only
what leads to it is noted. The work to do is in the copies, so a run that is killed at any point goes on where it was.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog
from django.db.models import F, Q
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from batch import service as batch
from batch.changes.mutators.quote_requests import ANSWERED, BY_PAYLOAD
from catalogue import releases
from catalogue.models import Release
from catalogue.release_pointer import refresh_pointer
from catalogue.releases import CompiledRelease, read_definition
from copies.models import Copy
from decisions.decide_many import decide_many
from decisions.impact import EVERYTHING, Reach, reach_of
from decisions.models import DecisionRun
from decisions.stored_copies import Noted, Waiting, bound_forms, note_decisions, read_waiting
from decisions.waiting import WaitingGroup, condition_of, list_databases, list_waiting
from failpoints import failpoint
from forms.models import ApplicationForm, QuoteRequest
from rules.flow.evaluation import EDITION
from tenants.access import Actor
from tenants.current_tenant import across_tenants
from tenants.models import Tenant

#: Stands in the mark of a copy that waits whatever the current release is.
UNKNOWN_RELEASE: Final = 0
#: Copies that are decided at once; those of them that change are locked and saved together.
CHUNK: Final = 200
#: How long to wait for the locks of a chunk, in seconds: longer than the locks of a killed worker last.
LOCK_SECONDS: Final = 15.0
#: A run that cannot decide more copies than this is given up; the next hour tries again.
MOST_FAILED: Final = 1_000

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Progress:
    """The work of one part of a run; ``failed`` are the copies to leave out."""

    decided: int = 0
    changed: int = 0
    failed: list[UUID] = field(default_factory=list)


def open_run(tenant: Tenant, *, cause: str, release_id: int = 0) -> DecisionRun | None:
    """Return the tenant's run, the one on its way or a new one; None if no copy waits. The tenant must be in scope."""
    if release_id:
        # Its own process may have ended between the commit and this.
        refresh_pointer(releases.catalogue_of(release_id))
    reopen_unbound(tenant)
    waiting = count_waiting(tenant)
    run: DecisionRun | None = DecisionRun.objects.filter(finished_at=None).first()
    if run is not None:
        DecisionRun.objects.filter(pk=run.pk).update(total=F("decided") + F("failed") + waiting)
        return run
    if not waiting:
        return None
    defaults = {"id": uuid7(), "cause": cause, "release_id": release_id or None, "total": waiting, "started_at": Now()}
    made: DecisionRun = DecisionRun.objects.get_or_create(tenant_id=tenant.id, finished_at=None, defaults=defaults)[0]
    return made


def decide_part(run_id: UUID, tenant: Tenant, *, failed: Collection[UUID] = (), seconds: float = 1.0) -> Progress:
    """Decide waiting copies for about ``seconds``; note the progress. The run is over when it decides none and none
    fails. The tenant must be in scope.
    """
    done = Progress(failed=list(failed))
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and len(done.failed) < MOST_FAILED:
        part = _decide_chunk(tenant, leave_out=done.failed)
        if not part.decided and not part.failed:
            break
        done.decided += part.decided
        done.changed += part.changed
        done.failed += part.failed
        DecisionRun.objects.filter(pk=run_id).update(
            decided=F("decided") + part.decided, changed=F("changed") + part.changed, failed=len(done.failed)
        )
        failpoint("decided_chunk")
    return done


def finish_run(run_id: UUID) -> None:
    """Note the end of a run."""
    DecisionRun.objects.filter(pk=run_id, finished_at=None).update(finished_at=Now())


def describe_runs(release_id: int) -> str:
    """Return the progress of the runs of a release in all databases: ``4,210 copies, 12 changed, in 9.1 s``; "" without
    any.
    """
    runs: list[DecisionRun] = []
    for alias in list_databases():
        with across_tenants(using=alias):
            runs += DecisionRun.objects.using(alias).filter(release_id=release_id)
    if not runs:
        return ""
    decided, changed = sum(run.decided for run in runs), sum(run.changed for run in runs)
    open_runs = sum(run.finished_at is None for run in runs)
    if open_runs:
        return f"{decided:,} of {sum(run.total for run in runs):,} copies so far, {changed:,} changed"
    seconds = max(run.finished_at for run in runs if run.finished_at) - min(run.started_at for run in runs)
    noun = "copy" if decided == 1 else "copies"
    return f"{decided:,} {noun}, {changed:,} changed, in {seconds.total_seconds():,.1f} s"


def count_waiting(tenant: Tenant) -> int:
    """Return how many copies of the tenant in scope wait."""
    groups = list_waiting([tenant], alias=tenant.database_alias)
    return Copy.objects.filter(condition_of(groups)).count() if groups else 0


def reopen_unbound(tenant: Tenant) -> int:
    """Let the copies wait again whose form is no longer bound or archived; return their number."""
    kept = Copy.objects.filter(decided_release_id=None, locked_at=None, deleted_at=None)
    found = list(kept.order_by().values_list("pk", "version", "application_form_id"))
    if not found:
        return 0
    forms = ApplicationForm.objects.filter(pk__in={form_id for _, _, form_id in found}, deleted_at=None)
    open_forms = set(forms.values_list("pk", flat=True))
    open_forms -= bound_forms(open_forms)
    waiting = [Noted(pk, version, UNKNOWN_RELEASE, None, 0) for pk, version, form_id in found if form_id in open_forms]
    return note_decisions(waiting, tenant=tenant)


def _decide_chunk(tenant: Tenant, *, leave_out: Collection[UUID]) -> Progress:
    for group in list_waiting([tenant], alias=tenant.database_alias):
        condition = group.condition
        if leave_out:
            condition &= ~Q(pk__in=leave_out)
        waiting = read_waiting(condition, tenant=tenant, today=group.today, limit=CHUNK)
        if waiting:
            return _decide_group(waiting, group, tenant)
    return Progress()


def _decide_group(waiting: Sequence[Waiting], group: WaitingGroup, tenant: Tenant) -> Progress:
    ended = [one for one in waiting if one.is_ended]
    note_decisions([Noted(one.copy.id, one.version, None, None, 0) for one in ended], tenant=tenant)
    progress = Progress(decided=len(ended))
    by_catalogue: dict[str, list[Waiting]] = {}
    for one in waiting:
        if not one.is_ended:
            by_catalogue.setdefault(one.catalogue, []).append(one)
    for code, copies in by_catalogue.items():
        try:
            release = releases.current(code)
        except releases.NoRelease:
            progress.failed += [one.copy.id for one in copies]
            continue
        _decide(copies, release, group, tenant, progress)
    return progress


def _decide(
    copies: Sequence[Waiting], release: CompiledRelease, group: WaitingGroup, tenant: Tenant, progress: Progress
) -> None:
    reach = _reach(group, release)
    concerned = [one for one in copies if reach.concerns(one.lines) or one.decided_on not in (None, one.copy.as_of)]
    by_id = {one.copy.id: one for one in copies}
    is_dated = dict.fromkeys(by_id.keys() - {one.copy.id for one in concerned}, release.compiled.day.is_possible)
    moved: dict[UUID, bool] = {}
    for decided in decide_many((one.copy for one in concerned), release, workers=1):
        if decided.error:
            log.error("copy_not_decided", copy=str(decided.id), reason=decided.error)
            progress.failed.append(decided.id)
        elif decided.is_same:
            is_dated[decided.id] = decided.is_dated
        else:
            moved[decided.id] = decided.is_dated
    # What a carrier would be sent may differ although the decision is the same: a save compares it.
    for copy_id in _with_sent_quotes(is_dated):
        moved[copy_id] = is_dated.pop(copy_id)
    for copy_id in _save(moved, release, group, tenant, progress):
        is_dated[copy_id] = moved[copy_id]
    noted = [_noted(by_id[copy_id], release, is_dated=dated) for copy_id, dated in is_dated.items()]
    note_decisions(noted, tenant=tenant)
    progress.decided += len(noted)
    failpoint("decisions_noted")


def _with_sent_quotes(copy_ids: Iterable[UUID]) -> list[UUID]:
    """Return those of ``copy_ids`` with a quote request that becomes stale, or current, with what would be sent."""
    sent = QuoteRequest.objects.filter(copy_id__in=list(copy_ids)).exclude(payload_hash="")
    compared = sent.filter(Q(state__in=ANSWERED) | Q(state="stale", stale_by=BY_PAYLOAD))
    return list(compared.order_by().values_list("copy_id", flat=True).distinct())


def _save(
    moved: Collection[UUID], release: CompiledRelease, group: WaitingGroup, tenant: Tenant, progress: Progress
) -> list[UUID]:
    """Save the copies whose decision moved; return those that had nothing to save after all."""
    if not moved:
        return []
    unchanged = []
    actor = _actor(release, group)
    with batch.find_and_lock_many(list(moved), scope=tenant, actor=actor, wait=LOCK_SECONDS) as chunk:
        for item in chunk.save():
            if item.result is None:
                # Somebody else works on it, and decides it with that save; otherwise the next run does.
                log.warning("copy_not_saved_anew", copy=str(item.id), reason=type(item.error).__name__)
                progress.failed.append(item.id)
            elif item.result.written:
                progress.changed += 1
                progress.decided += 1
            else:
                unchanged.append(item.id)
    return unchanged


def _actor(release: CompiledRelease, group: WaitingGroup) -> Actor:
    """Return the product itself, with the cause of the run as the entry point."""
    if group.is_older:
        return Actor(type="system", id=str(release.number), source="release", label=f"Release {release.number}")
    return Actor(type="system", id=group.today.isoformat(), source="day", label=f"{group.today:%B} {group.today.day}")


def _reach(group: WaitingGroup, release: CompiledRelease) -> Reach:
    """Return which copies of ``group`` the step to ``release`` concerns."""
    if not group.is_older or group.edition != EDITION or group.release_id == release.id:
        return EVERYTHING
    before = Release.objects.filter(pk=group.release_id).first()
    return EVERYTHING if before is None else reach_of(read_definition(before), release.compiled.definition)


def _noted(one: Waiting, release: CompiledRelease, *, is_dated: bool) -> Noted:
    day = one.copy.as_of if is_dated and not one.has_own_day else None
    return Noted(one.copy.id, one.version, release.id, day, EDITION)
