"""Roll-outs: a release goes out tenant by tenant, may be stopped, continued and taken back, and ends current for all.

Each change is one transaction, which owns the row of the roll-out (ADR 44) and stores the actions that follow from it.
What cannot be in that transaction (Redis, tenants with databases of their own, publish hooks) is done by ``settle``;
``is_settled`` states whether it was. Knows no forecast: ``decisions.roll_out_steps`` compares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import structlog
from django.db import DEFAULT_DB_ALIAS, transaction
from django.db import Error as DatabaseError
from django.db.models import F
from django.db.models.functions import Now
from django.utils.connection import ConnectionDoesNotExist

from actions.kinds import DecideAnew, DeferredAction, GuardRelease
from actions.outbox import enqueue
from actions.wakeup import wake_relay
from catalogue.models import Catalogue, Release
from catalogue.models.roll_outs import RollOut, RollOutOrder, RollOutPart, RollOutTenant
from catalogue.publish_hooks import HooksRun, Published, run_hooks, stricter_questions
from catalogue.publish_work import call_in_publish
from catalogue.release_pointer import refresh_pointer, release_in_force
from catalogue.releases import (
    announce,
    make_release,
    read_definition,
    refuse_during_roll_out,
    sensitivities_in,
    sensitivities_of,
)
from failpoints import failpoint
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.faults import CatalogueErrors, CatalogueFault
from rules.definition.renames import Renames, renames_of
from tenants.current_tenant import across_tenants
from tenants.models import Tenant

#: Who changes a roll-out that no person changes.
SYSTEM: Final = "system"
_State = RollOut.State
_TenantState = RollOutTenant.State

log = structlog.get_logger(__name__)


class OrderRefused(Exception):
    """The roll-out is in a state in which the order makes no sense. Has a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far outcomes may be from the forecast, both in percent: of a tenant's open copies, and of its premium."""

    flips_percent: Decimal = Decimal("1.00")
    premium_percent: Decimal = Decimal("1.00")


def start(
    catalogue: Catalogue, *, actor_id: str, tenants: Sequence[Tenant], tolerance: Tolerance, notes: str = ""
) -> RollOut:
    """Make a release of the draft of ``catalogue`` that goes out to ``tenants`` one after the other; return its
    roll-out. Until the last one is decided as forecast, all others keep the present release.

    Raises ``CatalogueErrors`` and makes nothing if the draft could not be published, has no earlier release or nothing
    new, could not be taken back (new renames, other sensitivities), if no tenant is named, or while another release of
    the catalogue goes out. May not run inside a transaction.
    """
    with transaction.atomic(durable=True):
        locked = Catalogue.objects.select_for_update().get(pk=catalogue.pk)
        refuse_during_roll_out(locked)
        former = _former(locked, tenants)
        release, compiled = make_release(locked, former, actor_id=actor_id, notes=notes)
        if compiled is None:
            raise _refused("nothing_new", f"The draft equals release {former.number}.", "Change the draft first.")
        if faults := irreversible_parts(read_definition(former), compiled.definition):
            raise CatalogueErrors(faults)
        roll_out = RollOut.objects.create(
            release=release,
            former=former,
            catalogue=locked,
            flips_percent=tolerance.flips_percent,
            premium_percent=tolerance.premium_percent,
            is_settled=False,
        )
        RollOutTenant.objects.bulk_create(
            RollOutTenant(roll_out=roll_out, tenant=tenant, position=position)
            for position, tenant in enumerate(tenants)
        )
        _note_order(roll_out, RollOutOrder.Kind.START, actor_id)
        _guard(roll_out, alias=DEFAULT_DB_ALIAS)
    announce(release, compiled)
    _complete(roll_out, roll_out)
    return roll_out


def irreversible_parts(former: CatalogueDefinition, draft: CatalogueDefinition) -> list[CatalogueFault]:
    """Return why ``draft`` cannot go out tenant by tenant: documents must be readable under both releases, in both
    directions.
    """
    faults = []
    for kind, code in _new_renames(renames_of(former), renames_of(draft)):
        text = f"{kind} {code} is renamed; a release with renames cannot be taken back."
        faults.append(CatalogueFault("renames_in_roll_out", code, text, "Publish it for all tenants."))
    before, after = sensitivities_in(former), sensitivities_in(draft)
    stricter = stricter_questions(before, after)
    looser = {code: pair for code, pair in stricter_questions(after, before).items() if code in before}
    for code in stricter:
        what = "becomes stricter" if code in after else "is removed"
        text = f"Question {code} {what}; it must change for all tenants at once."
        faults.append(CatalogueFault("stricter_in_roll_out", code, text, "Publish it for all tenants."))
    for code in looser:
        text = f"Question {code} becomes less strict; taking the release back would make it stricter."
        faults.append(CatalogueFault("looser_in_roll_out", code, text, "Publish it for all tenants."))
    return faults


def follow_next(roll_out: RollOut) -> bool:
    """Let the next tenant follow the release, or make the release current for all behind the last one; return whether
    ``roll_out`` was still as it was read.
    """
    following = roll_out.tenant_at(roll_out.following)
    if following is None:
        return _finish(roll_out)

    def change(locked: RollOut) -> None:
        _let_follow(locked, following)

    return _change(roll_out, change, to=_State.RUNNING)


def note_forecast(
    row: RollOutTenant, roll_out: RollOut, figures: Mapping[str, Any], *, copies: Mapping[str, Any], is_whole: bool
) -> bool:
    """Store the forecast of a tenant so far, and that of each of ``copies`` by id; return whether ``roll_out`` was
    still as it was read.
    """

    def change(locked: RollOut) -> None:
        if copies:
            RollOutPart.objects.create(of=row, number=row.parts.count(), copies=dict(copies))
        RollOutTenant.objects.filter(pk=row.pk).update(forecast=figures, is_forecast=is_whole)

    return _change(roll_out, change, to=_State.RUNNING, is_settled=True)


def note_actual(row: RollOutTenant, roll_out: RollOut, figures: Mapping[str, Any]) -> bool:
    """Store what happened at a tenant so far; return whether ``roll_out`` was still as it was read."""

    def change(locked: RollOut) -> None:
        RollOutTenant.objects.filter(pk=row.pk).update(actual=figures)

    return _change(roll_out, change, to=_State.RUNNING, is_settled=True)


def note_decided(row: RollOutTenant, roll_out: RollOut, figures: Mapping[str, Any]) -> bool:
    """Store all that happened at a tenant, and note that it was decided as forecast; return whether ``roll_out`` was
    still as it was read.
    """

    def change(locked: RollOut) -> None:
        changed = RollOutTenant.objects.filter(pk=row.pk)
        changed.update(actual=figures, state=_TenantState.DECIDED, compared_at=Now())
        row.parts.all().delete()

    return _change(roll_out, change, to=_State.RUNNING, is_settled=True)


def stop(row: RollOutTenant, roll_out: RollOut, figures: Mapping[str, Any], *, detail: str) -> bool:
    """Store all that happened at a tenant that left the forecast, take it back to the former release, and stop; return
    whether ``roll_out`` was still as it was read. The tenants before it keep the release.
    """

    def change(locked: RollOut) -> None:
        changed = RollOutTenant.objects.filter(pk=row.pk)
        changed.update(actual=figures, state=_TenantState.LEFT, compared_at=Now())
        RollOut.objects.filter(pk=locked.pk).update(following=row.position)
        _decide(locked, [row.tenant], locked.former_id)
        _note_order(locked, RollOutOrder.Kind.STOP, SYSTEM, detail)

    stopped = _change(roll_out, change, to=_State.STOPPED)
    if stopped:
        log.warning(
            "roll_out_stopped",
            catalogue=roll_out.catalogue.code,
            release=roll_out.release.number,
            tenant=row.tenant.code,
            reason=detail,
        )
    return stopped


def order_continue(roll_out: RollOut, *, actor_id: str) -> None:
    """Let the tenant that left the forecast follow the release after all, and go on. Raises ``OrderRefused``."""

    def change(locked: RollOut) -> None:
        left = locked.tenants.filter(state=_TenantState.LEFT).select_related("tenant").first()
        if left is not None:
            RollOutTenant.objects.filter(pk=left.pk).update(is_accepted=True, actual={})
            _let_follow(locked, left)
        _note_order(locked, RollOutOrder.Kind.CONTINUE, actor_id, str(left.tenant) if left else "")

    _carry_out(roll_out, change, to=_State.RUNNING, while_in={_State.STOPPED})


def order_back(roll_out: RollOut, *, actor_id: str) -> None:
    """Take every tenant back to the former release, and end the roll-out. Raises ``OrderRefused``."""

    def change(locked: RollOut) -> None:
        gone = list(locked.tenants.exclude(followed_at=None).select_related("tenant"))
        locked.tenants.exclude(followed_at=None).update(state=_TenantState.BACK)
        RollOutPart.objects.filter(of__roll_out=locked).delete()
        RollOut.objects.filter(pk=locked.pk).update(following=0, ended_at=Now())
        _decide(locked, [row.tenant for row in gone], locked.former_id)
        _note_order(locked, RollOutOrder.Kind.BACK, actor_id)

    _carry_out(roll_out, change, to=_State.TAKEN_BACK, while_in={_State.RUNNING, _State.STOPPED})


def settle(roll_out: RollOut) -> tuple[str, ...]:
    """Do what follows from the last change outside of its transaction, and return what the publish hooks have to say;
    may be repeated. ``is_settled`` stays False where a database could not be reached or a hook failed.
    """
    found = RollOut.objects.select_related("catalogue").get(pk=roll_out.pk)
    refresh_pointer(found.catalogue.code)

    def emit(alias: str) -> None:
        _decide_elsewhere(found, alias)
        _guard(found, alias=alias)

    is_emitted = _reach_databases(found, emit)
    hooks = _run_hooks(found)
    failpoint("roll_out_settling")
    if is_emitted and not hooks.failed:
        RollOut.objects.filter(pk=found.pk, revision=found.revision).update(is_settled=True)
        roll_out.is_settled = roll_out.revision == found.revision
    for text in hooks.notices:
        log.warning("roll_out_notice", release=found.release_id, notice=text)
    wake_relay(DEFAULT_DB_ALIAS)
    return hooks.notices


def guard_action(roll_out: RollOut, tenant: Tenant) -> GuardRelease:
    """Return the action that does the next step of a roll-out at ``tenant``."""
    return GuardRelease(tenant_id=str(tenant.pk), roll_out_id=roll_out.pk, part=f"{roll_out.pk}.{roll_out.revision}")


def present_tenant(roll_out: RollOut) -> RollOutTenant | None:
    """Return the row of the tenant whose turn it is: the one whose copies are decided, else the next to follow, whose
    book is forecast just before; None behind the last one.
    """
    rows = roll_out.tenants.select_related("tenant").order_by("position")
    following = rows.filter(state=_TenantState.FOLLOWING).first()
    found: RollOutTenant | None = following or roll_out.tenant_at(roll_out.following)
    return found


def _finish(roll_out: RollOut) -> bool:
    def change(locked: RollOut) -> None:
        RollOut.objects.filter(pk=locked.pk).update(ended_at=Now())
        call_in_publish(locked.release)
        _note_order(locked, RollOutOrder.Kind.FINISH, SYSTEM)

    return _change(roll_out, change, to=_State.DONE)


def _let_follow(locked: RollOut, row: RollOutTenant) -> None:
    RollOutTenant.objects.filter(pk=row.pk).update(state=_TenantState.FOLLOWING, followed_at=Now())
    RollOut.objects.filter(pk=locked.pk).update(following=row.position + 1)
    _decide(locked, [row.tenant], locked.release_id)


def _carry_out(
    roll_out: RollOut, change: Callable[[RollOut], None], *, to: RollOut.State, while_in: set[RollOut.State]
) -> None:
    """Carry out an order of staff, whatever step is done meanwhile. Raises ``OrderRefused``."""
    with transaction.atomic(durable=True):
        locked = RollOut.objects.select_for_update().get(pk=roll_out.pk)
        if locked.state not in while_in:
            raise OrderRefused(f"The roll-out is not {' or '.join(sorted(while_in))}, but {locked.state}.")
        _write(locked, change, to=to, is_settled=False)
    _complete(roll_out, locked)


def _change(
    roll_out: RollOut, change: Callable[[RollOut], None], *, to: RollOut.State, is_settled: bool = False
) -> bool:
    """Change a roll-out unless it was changed since it was read; return whether it was not."""
    failpoint("roll_out_changing")
    with transaction.atomic(durable=True):
        locked = RollOut.objects.select_for_update().get(pk=roll_out.pk)
        if not _is_as_read(roll_out, locked):
            return False
        _write(locked, change, to=to, is_settled=is_settled)
    _complete(roll_out, locked)
    return True


def _is_as_read(roll_out: RollOut, locked: RollOut) -> bool:
    return locked.revision == roll_out.revision and locked.state == _State.RUNNING


def _complete(roll_out: RollOut, changed: RollOut) -> None:
    """Do what follows from a committed change, and let ``roll_out`` be as that change left it: without what others
    changed since then, so that a further change with it is refused.
    """
    failpoint("roll_out_changed")
    try:
        if not changed.is_settled:
            settle(changed)
        elif not _reach_databases(changed, lambda alias: _guard(changed, alias=alias)):
            RollOut.objects.filter(pk=changed.pk, revision=changed.revision).update(is_settled=False)
            changed.is_settled = False
    except DatabaseError:
        # The change is committed: an error now would say the opposite. The steps settle it.
        log.exception("roll_out_not_settled", release=changed.release_id)
    for field in ("state", "following", "revision", "is_settled", "ended_at"):
        setattr(roll_out, field, getattr(changed, field))
    wake_relay(DEFAULT_DB_ALIAS)


def _write(locked: RollOut, change: Callable[[RollOut], None], *, to: RollOut.State, is_settled: bool) -> None:
    change(locked)
    changed = RollOut.objects.filter(pk=locked.pk)
    # A change that leaves nothing to do does not settle the one before it.
    changed.update(state=to, revision=F("revision") + 1, is_settled=is_settled and locked.is_settled)
    locked.refresh_from_db()
    _guard(locked, alias=DEFAULT_DB_ALIAS)


def _guard(roll_out: RollOut, *, alias: str) -> None:
    """Emit the next step, if it is one at a tenant in the database ``alias``: a step of the tenant whose turn it is, or
    only the end of a change, which any tenant can do.
    """
    row = present_tenant(roll_out) if roll_out.state == _State.RUNNING else None
    row = row or roll_out.tenants.select_related("tenant").order_by("position").first()
    if row is not None and row.tenant.database_alias == alias:
        _emit(row.tenant, guard_action(roll_out, row.tenant))


def _reach_databases(roll_out: RollOut, emit: Callable[[str], None]) -> bool:
    """Emit actions into the databases that tenants of a roll-out have of their own; return whether all were reached."""
    is_whole = True
    for alias in sorted(_own_databases(roll_out)):
        try:
            emit(alias)
        except (DatabaseError, ConnectionDoesNotExist):
            log.exception("roll_out_database_not_reached", release=roll_out.release_id, alias=alias)
            is_whole = False
        wake_relay(alias)
    return is_whole


def _decide_elsewhere(roll_out: RollOut, alias: str) -> None:
    """Emit the runs of the tenants in the database ``alias`` that follow the release now."""
    for row in roll_out.tenants.filter(state=_TenantState.FOLLOWING).select_related("tenant"):
        if row.tenant.database_alias == alias:
            _emit(row.tenant, _decide_action(roll_out, row.tenant, roll_out.release_id))


def _run_hooks(roll_out: RollOut) -> HooksRun:
    """Run the publish hooks after a change that made the release current for all, or took tenants back."""
    code = roll_out.catalogue.code
    if roll_out.state == _State.DONE:
        return run_hooks(Published(catalogue=code, release_id=roll_out.release_id, stricter={}))
    if roll_out.state in (_State.STOPPED, _State.TAKEN_BACK):
        # The former release does not know the questions that the other one added.
        after, before = sensitivities_of(roll_out.release_id), sensitivities_of(roll_out.former_id)
        added = {code: pair for code, pair in stricter_questions(after, before).items() if code not in before}
        return run_hooks(Published(catalogue=code, release_id=roll_out.former_id, stricter=added))
    return HooksRun(notices=(), failed=())


def _own_databases(roll_out: RollOut) -> set[str]:
    aliases = {row.tenant.database_alias for row in roll_out.tenants.select_related("tenant")}
    return aliases - {DEFAULT_DB_ALIAS}


def _decide(locked: RollOut, tenants: Iterable[Tenant], release_id: int) -> None:
    """Emit the runs of tenants in the shared database under a release, in the transaction of the change."""
    for tenant in tenants:
        if tenant.database_alias == DEFAULT_DB_ALIAS:
            _emit(tenant, _decide_action(locked, tenant, release_id))


def _decide_action(roll_out: RollOut, tenant: Tenant, release_id: int) -> DecideAnew:
    part = f"roll-out {roll_out.pk}.{roll_out.revision}"
    return DecideAnew(tenant_id=str(tenant.pk), cause="release", release_id=release_id, part=part)


def _emit(tenant: Tenant, action: DeferredAction) -> None:
    with across_tenants(using=tenant.database_alias):
        enqueue(action, alias=tenant.database_alias, tenant_id=tenant.pk, copy_id=None)


def _note_order(roll_out: RollOut, kind: str, actor_id: str, detail: str = "") -> None:
    RollOutOrder.objects.create(roll_out=roll_out, kind=kind, actor_id=actor_id, detail=detail[:500])


def _former(catalogue: Catalogue, tenants: Sequence[Tenant]) -> Release:
    former = release_in_force(catalogue)
    if former is None:
        raise _refused("no_former_release", "The catalogue has no release yet.", "Publish it for all tenants.")
    if not tenants:
        raise _refused("no_tenants", "No tenant uses the catalogue.", "Publish it for all tenants.")
    return former


def _refused(code: str, text: str, remedy: str) -> CatalogueErrors:
    return CatalogueErrors([CatalogueFault(code, "", text, remedy)])


def _new_renames(former: Renames, draft: Renames) -> Iterable[tuple[str, str]]:
    """Yield kind and old code of what ``draft`` renames and ``former`` did not."""
    known: Sequence[tuple[str, Mapping[str, Any], Mapping[str, Any]]] = (
        ("Question", former.questions, draft.questions),
        ("Pool", former.pools, draft.pools),
        ("Question set", former.sets, draft.sets),
        ("A choice of question", former.choices, draft.choices),
    )
    for kind, before, after in known:
        yield from ((kind, code) for code, place in after.items() if before.get(code) != place)
