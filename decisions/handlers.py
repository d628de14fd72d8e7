"""The handler, the hourly action and the publish hooks that keep decisions up with releases and days."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS

from actions.kinds import DecideAnew, DeferredAction, GuardRelease, RecordShadowRules
from actions.maintenance import hourly
from actions.models import ActionState, OutboxAction
from actions.outbox import enqueue
from actions.registry import Delivered, handles
from actions.wakeup import wake_relay
from catalogue.models import Release
from catalogue.publish_hooks import Published, after_publish
from catalogue.publish_work import in_publish, publish_completion, publish_impact
from decisions.impact import count_concerned, count_refusing, count_remapped
from decisions.roll_out_steps import AFTER_RUN, do_step, emit_after_run
from decisions.runs import decide_part, describe_runs, finish_run, open_run
from decisions.shadow import record_shadow_rules
from decisions.waiting import list_databases, list_waiting
from tenants.current_tenant import across_tenants, use_tenant
from tenants.models import Tenant

#: Parts that killed workers may leave one after the other, before the run is given up like any other action.
MOST_TAKEOVERS: Final = 20
#: The part of the hourly look for lost steps.
LOOK: Final = "look"
#: Parts of steps that are not of one state of a roll-out.
UNCONDITIONAL: Final = (LOOK, AFTER_RUN)

publish_impact(count_concerned)
publish_impact(count_refusing)
publish_impact(count_remapped)


@handles(DecideAnew)
def decide_anew(action: Delivered) -> None:
    """Start a run, or do a part of it and emit the next part; idempotent, because the copies carry what is done."""
    tenant, payload = action.tenant, action.payload
    if not payload["run_id"]:
        run = open_run(tenant, cause=payload["cause"], release_id=payload["release_id"])
        if run is not None and not _has_part(run.pk):
            _emit(tenant, DecideAnew(tenant_id=str(tenant.pk), cause=run.cause, run_id=str(run.pk), part="1"))
        if run is None:
            emit_after_run(tenant, ended_by=action.id)
        return
    run_id, failed = UUID(payload["run_id"]), [UUID(known) for known in payload["failed"]]
    if action.attempt > 1 and payload["takeovers"] < MOST_TAKEOVERS:
        # Its copies carry what the killed worker did: a new part goes on, so that kills of a long run do not add up.
        part = str(int(payload["part"]) + 1)
        _emit(tenant, DecideAnew(**{**payload, "part": part, "takeovers": payload["takeovers"] + 1}))
        return
    progress = decide_part(run_id, tenant, failed=failed)
    is_at_end = not progress.decided and len(progress.failed) == len(failed)
    if not is_at_end or (failed and not payload["is_last_try"]):
        following = DecideAnew(
            tenant_id=str(tenant.pk),
            cause=payload["cause"],
            run_id=str(run_id),
            part=str(int(payload["part"]) + 1),
            failed=[] if is_at_end else [str(known) for known in progress.failed],
            is_last_try=is_at_end or payload["is_last_try"],
        )
        _emit(tenant, following)
        return
    finish_run(run_id)
    if not failed and list_waiting([tenant], alias=tenant.database_alias):
        # Published while this run ended, so that the new one found it still on its way.
        # Named after this run: the action that began it may not be deleted yet.
        _emit(tenant, DecideAnew(tenant_id=str(tenant.pk), cause=payload["cause"], part=f"again {run_id}"))
    else:
        emit_after_run(tenant, ended_by=action.id)


@publish_completion
def decide_now(release: Release) -> list[str]:
    """Decide the waiting copies of all tenants; return how many there were and how long it took."""
    for tenant in Tenant.objects.all():
        with use_tenant(tenant):
            run = open_run(tenant, cause="release", release_id=release.pk)
            failed: list[UUID] = []
            while run is not None:
                progress = decide_part(run.pk, tenant, failed=failed, seconds=60.0)
                failed = progress.failed
                if not progress.decided:
                    finish_run(run.pk)
                    emit_after_run(tenant, ended_by=run.pk)
                    break
    described = describe_runs(release.pk)
    return [f"Open copies decided anew: {described}."] if described else []


@hourly
def decide_each_hour(tenant: Tenant) -> DecideAnew:
    """Return the hourly look for copies whose day has ended at ``tenant``, or that a publish missed."""
    return DecideAnew(tenant_id=str(tenant.pk), cause="day")


@handles(GuardRelease)
def guard_release(action: Delivered) -> None:
    """Do the next step of a guarded release; idempotent, because the roll-out has its place."""
    part = action.payload["part"]
    do_step(action.tenant, action.payload["roll_out_id"], part="" if part.startswith(UNCONDITIONAL) else part)


@hourly
def guard_each_hour(tenant: Tenant) -> GuardRelease:
    """Return the hourly look for steps of roll-outs that were lost."""
    return GuardRelease(tenant_id=str(tenant.pk), part=LOOK)


@handles(RecordShadowRules)
def record_shadow_part(action: Delivered) -> None:
    """Record the results of shadow rules for some copies, and emit the next part while copies are left."""
    if record_shadow_rules(action.tenant):
        part = str(int(action.payload["part"] or "0") + 1)
        _emit(action.tenant, RecordShadowRules(tenant_id=str(action.tenant.pk), part=part))


@hourly
def record_shadow_rules_each_hour(tenant: Tenant) -> RecordShadowRules:
    """Return the hourly record of shadow rules at ``tenant``."""
    return RecordShadowRules(tenant_id=str(tenant.pk))


@in_publish
def decide_after_publish(release: Release) -> None:
    """Emit the runs of the tenants in the shared database, in the transaction of the publish."""
    _emit_for_all(DEFAULT_DB_ALIAS, release.pk)


@after_publish
def decide_elsewhere_after_publish(published: Published) -> tuple[str, ...]:
    """Emit the runs of tenants with databases of their own, and wake the relays. What is lost, the next hour finds."""
    for alias in list_databases():
        if alias != DEFAULT_DB_ALIAS:
            _emit_for_all(alias, published.release_id)
        wake_relay(alias)
    return ()


def _emit_for_all(alias: str, release_id: int) -> None:
    with across_tenants(using=alias):
        for tenant in Tenant.objects.all():
            if tenant.database_alias == alias:
                part = f"release {release_id}"
                _emit(tenant, DecideAnew(tenant_id=str(tenant.pk), cause="release", release_id=release_id, part=part))


def _emit(tenant: Tenant, action: DeferredAction) -> None:
    enqueue(action, alias=tenant.database_alias, tenant_id=tenant.pk, copy_id=None)


def _has_part(run_id: UUID) -> bool:
    parts = OutboxAction.objects.filter(kind=DecideAnew.kind, state=ActionState.WAITING)
    return parts.filter(payload__run_id=str(run_id)).exists()
