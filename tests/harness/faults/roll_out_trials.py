"""Trials with a guarded release: start it, work on it until killed, and look at its end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Final

from actions import relay
from actions.kinds import DecideAnew, GuardRelease, IndexForm
from actions.models import OutboxAction
from actions.registry import REGISTRY, Registry
from batch import service as batch
from catalogue import releases, roll_outs
from catalogue.loader import load
from catalogue.models import RollOut
from catalogue.roll_outs import Tolerance, order_back
from copies.models import Copy
from decisions import roll_out_steps
from decisions.roll_out_steps import start_guarded
from failpoints import armed
from tenants.current_tenant import across_tenants, use_tenant
from tenants.models import Tenant
from tests.harness.faults.entry_catalogue import ACTOR, LEDGER, TENANT, beginning
from tests.harness.kennel_catalogue import HOUSES
from tests.harness.moments import declining

Report = Callable[..., None]
FIGURES: Final = ("copies", "flips", "moved", "premium")
CODES: Final = ("alder", "birch", TENANT)


def begin(report: Report, *, most_cats: int, copies: int) -> None:
    """Make two more tenants with ``copies`` forms each, and start a release that declines more cats than a number."""
    for code in CODES[:2]:
        tenant = Tenant.objects.create(code=code, name=code.title(), catalogue=TENANT)
        for number in range(copies):
            with batch.build_context(scope=tenant, actor=ACTOR) as context:
                answers = {**beginning(f"{code} {number}"), "cat_count": 20 if number % 2 else 5}
                context.changeset.apply_answers(answers, {"houses": HOUSES})
                context.save()
    with across_tenants(using="default"):
        OutboxAction.objects.all().delete()
    draft = load(declining(LEDGER, when=f"cat_count > {most_cats}"))
    roll_out = start_guarded(draft, actor_id="test", tolerance=Tolerance())
    report(roll_out=roll_out.pk)


def work_until_killed(
    report: Report, *, failpoint: str = "", nth: int = 1, action: str = "kill", worse: str = ""
) -> None:
    """Run the steps in the outbox, with a point armed at which this process is killed, or stopped. With ``worse`` the
    steps write whatever others wrote meanwhile.
    """
    roll_out_steps.PART = 3
    if worse == "ignores the revision":
        roll_outs._is_as_read = lambda roll_out, locked: True
    registry = Registry()
    for kind in (DecideAnew, GuardRelease, IndexForm):
        registry.register(kind, REGISTRY.find(kind.kind).handler)
    report(started=True)
    with armed(failpoint, nth=nth, action=action) if failpoint else nullcontext():
        drained = relay.drain("default", registry=registry, lease=1.0, seconds=120.0)
    report(done=drained.done, failed=drained.failed, dead=drained.dead)


def take_back(report: Report) -> None:
    """Order the roll-out back."""
    order_back(RollOut.objects.get(), actor_id="test")
    report(ordered=True)


def look(report: Report) -> None:
    """Report the state of the roll-out, the releases of the tenants with what was forecast and measured, and the copies
    that are decided otherwise.
    """
    roll_out = RollOut.objects.get()
    wrong, versions = [], 0
    for code in CODES:
        tenant = Tenant.objects.get(code=code)
        with use_tenant(tenant):
            current = releases.current_id(TENANT)
            for copy in Copy.objects.all():
                versions = max(versions, copy.version)
                context = batch.find(copy.pk, scope=tenant, actor=ACTOR)
                _, present = context.current_view()
                if copy.decided_release_id != current or present.eligibility != context.evaluation.eligibility:
                    wrong.append(f"{code} {copy.pk}")
    report(
        state=roll_out.state,
        is_settled=roll_out.is_settled,
        tenants=list(roll_out.tenants.order_by("position").values_list("state", flat=True)),
        releases=[
            "new" if releases.current_id(TENANT, tenant_id=tenant.pk) == roll_out.release_id else "former"
            for tenant in (Tenant.objects.get(code=code) for code in CODES)
        ],
        figures=[
            [{name: found.get(name) for name in FIGURES} for found in (row.forecast, row.actual)]
            for row in roll_out.tenants.order_by("position")
        ],
        wrong=wrong,
        versions=versions,
    )
