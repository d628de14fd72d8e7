"""The steps of a release that goes out tenant by tenant: for one tenant after the other, forecast its book, let it
follow, and compare what its decision run changed with its forecast, copy by copy.

Each step reads where the roll-out is, does a bounded part, and writes it only if nothing else did meanwhile; so steps
may be killed, repeated, and run in two processes at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import msgspec
import structlog
from django.db.models import Max, Q, QuerySet

from actions.kinds import DecideAnew, GuardRelease
from actions.outbox import enqueue
from catalogue import releases, roll_outs
from catalogue.models import Catalogue, RollOut, RollOutTenant
from catalogue.release_pointer import refresh_pointer
from catalogue.roll_outs import SYSTEM
from copies.models import Copy, CopyRevision
from decisions.book import read_book
from decisions.copy_effect import effect_of
from decisions.models import DecisionRun
from decisions.roll_out_figures import (
    CopyChange,
    Deviation,
    Measured,
    change_of,
    changes_from,
    deviation,
    figures_from,
    measured_from,
)
from decisions.runs import count_waiting
from decisions.supposition import suppose_release
from failpoints import failpoint
from forms.models import ApplicationForm
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tenants.selectors import reachable_tenants

#: Copies that one step decides.
PART: Final = 500
#: Starts the parts of the steps that the end of a decision run emits.
AFTER_RUN: Final = "after"
_State = RollOutTenant.State

log = structlog.get_logger(__name__)


def start_guarded(
    catalogue: Catalogue,
    *,
    actor_id: str,
    tolerance: roll_outs.Tolerance,
    first: Sequence[str] = (),
    notes: str = "",
) -> RollOut:
    """Publish the draft of ``catalogue`` tenant by tenant: first those with the codes ``first``, in this order, then
    all others that use the catalogue, by code. Raises ``CatalogueErrors`` and ``UnknownTenant``.
    """
    users = {tenant.code: tenant for tenant in tenants_of(catalogue.code)}
    for code in first:
        if code not in users:
            raise UnknownTenant(code)
    ordered = [users[code] for code in dict.fromkeys([*first, *users])]
    return roll_outs.start(catalogue, actor_id=actor_id, tenants=ordered, tolerance=tolerance, notes=notes)


class UnknownTenant(LookupError):
    """No tenant with this code uses the catalogue."""

    def __init__(self, code: str) -> None:
        super().__init__(f"No tenant {code[:64]!r} uses this catalogue.")


def tenants_of(catalogue: str) -> list[Tenant]:
    """Return the tenants that start forms of a catalogue, or have some, by code."""
    found = []
    for tenant in reachable_tenants():
        with use_tenant(tenant):
            if tenant.catalogue == catalogue or ApplicationForm.objects.filter(catalogue=catalogue).exists():
                found.append(tenant)
    return found


def do_step(tenant: Tenant, roll_out_id: int = 0, *, part: str = "") -> None:
    """Do the next step of a roll-out if it is the turn of ``tenant``, which is in scope, and complete a change that was
    cut off; without an id look after all roll-outs, whatever fails at one of them. A step of a state (``part``) that is
    over is left out: the state after it has its own.
    """
    chosen = RollOut.objects.filter(pk=roll_out_id) if roll_out_id else RollOut.objects.all()
    due = chosen.filter(Q(state=RollOut.State.RUNNING) | Q(is_settled=False))
    for roll_out in due.select_related("catalogue", "release").order_by("pk"):
        try:
            _look_after(roll_out, tenant, part)
        except Exception:
            if roll_out_id:
                raise
            # The next hour looks again.
            log.exception("roll_out_step_failed", roll_out=roll_out.pk)


def _look_after(roll_out: RollOut, tenant: Tenant, part: str) -> None:
    if not roll_out.is_settled:
        roll_outs.settle(roll_out)
        roll_out.refresh_from_db()
    is_due = part in ("", roll_outs.guard_action(roll_out, tenant).part)
    if is_due and roll_out.state == RollOut.State.RUNNING:
        _step(roll_out, tenant)
        failpoint("roll_out_step_ended")


def emit_after_run(tenant: Tenant, *, ended_by: UUID) -> None:
    """Emit the comparison of a tenant whose decision run has ended, if a roll-out waits for it; ``ended_by`` is the id
    of the action that ended the run, or that of the run.
    """
    rows = RollOutTenant.objects.filter(
        tenant=tenant, state=_State.FOLLOWING, roll_out__state=RollOut.State.RUNNING
    ).select_related("roll_out")  # fmt: skip
    for row in rows:
        part = f"{AFTER_RUN} {row.roll_out_id} {ended_by}"
        action = GuardRelease(tenant_id=str(tenant.pk), roll_out_id=row.roll_out_id, part=part)
        enqueue(action, alias=tenant.database_alias, tenant_id=tenant.pk, copy_id=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRow:
    """One tenant of a roll-out as staff see it; figures that are not known yet are ""."""

    tenant: str
    state: str
    copies: str
    flips_forecast: str = ""
    flips_measured: str = ""
    moved_forecast: str = ""
    moved_measured: str = ""
    apart: str = ""


def compared_rows(roll_out: RollOut) -> list[ComparedRow]:
    """Return the tenants of a roll-out in order, with what was forecast and measured."""
    rows = roll_out.tenants.select_related("tenant").order_by("position")
    return [_compared_row(row) for row in rows]


def _compared_row(row: RollOutTenant) -> ComparedRow:
    forecast, actual = figures_from(row.forecast), measured_from(row.actual)
    apart = ""
    if row.compared_at is not None:
        found = deviation_of(row)
        apart = f"{found.flips_percent}% of the copies, {found.premium_percent}% of the premium ({found.text})"
        if actual.left_out:
            apart += f"; {actual.left_out:,} changed meanwhile"
    return ComparedRow(
        tenant=str(row.tenant),
        state=row.get_state_display(),
        copies=f"{actual.copies or forecast.copies:,}",
        flips_forecast=forecast.flips_text if row.is_forecast else "",
        flips_measured=actual.flips_text if row.compared_at else "",
        moved_forecast=f"{forecast.moved:,}" if row.is_forecast else "",
        moved_measured=f"{actual.moved:,}" if row.compared_at else "",
        apart=apart,
    )


def deviation_of(row: RollOutTenant) -> Deviation:
    """Return how far a tenant is from its forecast."""
    return deviation(measured_from(row.actual))


def _step(roll_out: RollOut, tenant: Tenant) -> None:
    row = roll_outs.present_tenant(roll_out)
    if row is None:
        roll_outs.follow_next(roll_out)
    elif row.tenant_id != tenant.pk:
        _hand_on(roll_out, row.tenant)
    elif not row.is_forecast:
        _forecast(row, roll_out, tenant)
    elif row.state != _State.FOLLOWING:
        roll_outs.follow_next(roll_out)
    elif _is_decided(row, roll_out, tenant):
        _compare(row, roll_out, tenant)


def _hand_on(roll_out: RollOut, tenant: Tenant) -> None:
    with use_tenant(tenant):
        action = roll_outs.guard_action(roll_out, tenant)
        enqueue(action, alias=tenant.database_alias, tenant_id=tenant.pk, copy_id=None)


def _forecast(row: RollOutTenant, roll_out: RollOut, tenant: Tenant) -> None:
    """Decide the next copies of the tenant's book under the release."""
    former, release = releases.get(roll_out.former_id), releases.get(roll_out.release_id)
    figures, supposition = figures_from(row.forecast), suppose_release(former, release)
    after = UUID(figures.after) if figures.after else None

    def behind(copies: QuerySet[Copy]) -> QuerySet[Copy]:
        return copies if after is None else copies.filter(pk__gt=after)

    changes = {}
    catalogue = former.compiled.definition.code
    for copy in read_book(catalogue, [tenant], release_id=former.id, narrow=behind, most=PART):
        change = change_of(copy, effect_of(copy, supposition=supposition), is_measured=False)
        figures.add(copy.copy.id, change)
        changes[str(copy.copy.id)] = msgspec.to_builtins(change)
    is_whole = len(changes) < PART
    roll_outs.note_forecast(row, roll_out, figures.as_json(), copies=changes, is_whole=is_whole)


def _is_decided(row: RollOutTenant, roll_out: RollOut, tenant: Tenant) -> bool:
    """Return whether the tenant's copies are decided under the release; emit a run where none is on its way. Copies
    that a run since then could not decide count as decided.
    """
    refresh_pointer(roll_out.catalogue.code)
    if DecisionRun.objects.filter(finished_at=None).exists():
        # Its end emits the comparison.
        return False
    # Without failed ones, the waiting copies are of saves that began before the tenant followed.
    undecidable = DecisionRun.objects.filter(started_at__gte=row.followed_at, failed__gt=0)
    if not count_waiting(tenant) or undecidable.exists():
        return True
    # Named after the last run: the action that began it may not be deleted yet, and would stand for this one.
    last = DecisionRun.objects.order_by("-started_at", "-id").values_list("pk", flat=True).first()
    part = f"roll-out {roll_out.pk}.{roll_out.revision} after {last}"
    action = DecideAnew(tenant_id=str(tenant.pk), cause="release", release_id=roll_out.release_id, part=part)
    enqueue(action, alias=tenant.database_alias, tenant_id=tenant.pk, copy_id=None)
    return False


def _compare(row: RollOutTenant, roll_out: RollOut, tenant: Tenant) -> None:
    """Compare a part of the forecast with what happened; behind the last one, go on or stop."""
    figures = measured_from(row.actual)
    part = row.parts.filter(number=figures.parts).first()
    if part is not None:
        _compare_copies(figures, changes_from(part.copies), roll_out, tenant)
    row.actual = figures.as_json()
    if row.parts.filter(number=figures.parts).exists():
        roll_outs.note_actual(row, roll_out, row.actual)
        return
    found = deviation_of(row)
    is_within = found.is_within(
        flips_percent=roll_out.flips_percent, premium_percent=roll_out.premium_percent
    )  # fmt: skip
    if is_within or row.is_accepted:
        roll_outs.note_decided(row, roll_out, row.actual)
    else:
        roll_outs.stop(row, roll_out, row.actual, detail=f"{tenant.code}: {found.text}")


def _compare_copies(
    figures: Measured, forecasts: Mapping[UUID, CopyChange], roll_out: RollOut, tenant: Tenant
) -> None:  # fmt: skip
    """Add the copies of one part to ``figures``, without those that people changed since their forecast."""
    former, release = releases.get(roll_out.former_id), releases.get(roll_out.release_id)
    supposition = suppose_release(release, former)

    def forecast(copies: QuerySet[Copy]) -> QuerySet[Copy]:
        return copies.filter(pk__in=list(forecasts))

    book = list(read_book(release.compiled.definition.code, [tenant], release_id=release.id, narrow=forecast))
    # After they were read: a save meanwhile is seen here.
    changed = _changed_by_people(forecasts)
    compared = [copy for copy in book if copy.copy.id not in changed]
    for copy in compared:
        actual = change_of(copy, effect_of(copy, supposition=supposition), is_measured=True)
        figures.compare(copy.copy.id, forecasts[copy.copy.id], actual)
    figures.left_out += len(forecasts) - len(compared)
    figures.parts += 1


def _changed_by_people(forecasts: Mapping[UUID, CopyChange]) -> set[UUID]:
    """Return the copies that were saved since their forecast, other than by the product itself."""
    saved = CopyRevision.objects.filter(copy_id__in=list(forecasts)).exclude(actor_type=SYSTEM)
    latest = saved.order_by().values("copy_id").annotate(latest=Max("version")).values_list("copy_id", "latest")
    return {copy_id for copy_id, version in latest if version > forecasts[copy_id].version}
