"""Trials with runs that decide copies anew: publish, decide until killed, and compare every copy with every list."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Final

from django.db import connection

from actions import relay
from actions.kinds import DecideAnew, IndexForm
from actions.models import OutboxAction
from actions.registry import REGISTRY, Registry
from batch import service as batch
from catalogue.loader import load
from catalogue.releases import publish
from copies.models import Copy
from decisions import runs
from decisions.listing import in_state, present_rows
from decisions.models import DecisionRun
from failpoints import armed
from forms.selectors import list_forms
from forms.states import State, standing_of
from rules.flow.evaluation import Evaluation
from search.form_search import rank_forms
from tenants.current_tenant import across_tenants, use_tenant
from tenants.models import Tenant
from tests.harness.faults.entry_catalogue import ACTOR, LEDGER, TENANT
from tests.harness.moments import declining

Report = Callable[..., None]
STATES: Final[tuple[State, ...]] = ("ready", "incomplete", "declined")


def multiply(report: Report, *, times: int) -> None:
    """Add each form ``times`` more, with its copy and its revision; nothing in them is sealed to their ids."""
    with use_tenant(Tenant.objects.get(code=TENANT)), connection.cursor() as cursor:
        cursor.execute("SET partner_engine.tenant = '*'")
        for table, new_ids in (
            ("forms_applicationform", ("id",)),
            ("copies_copy", ("id", "application_form_id")),
            ("copies_copyrevision", ("copy_id",)),
        ):
            cursor.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND"
                " NOT (table_name = 'copies_copyrevision' AND column_name = 'id') ORDER BY ordinal_position",
                [table],
            )
            columns = [name for (name,) in cursor.fetchall()]
            values = [f"md5(o.{name}::text || n)::uuid" if name in new_ids else f"o.{name}" for name in columns]
            text = f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM {table} o"  # noqa: S608
            cursor.execute(f"{text}, generate_series(1, %s) n", [times])
        cursor.execute("ANALYZE copies_copy")
    report(multiplied=times)


def publish_declining(report: Report, *, most_cats: int) -> None:
    """Publish a release by which PA-CARE declines more cats than ``most_cats``."""
    release = publish(load(declining(LEDGER, when=f"cat_count > {most_cats}")), actor_id="test")
    report(release=release.pk)


def decide_until_killed(report: Report, *, failpoint: str = "", nth: int = 1, chunk: int = 0) -> None:
    """Run the decisions in the outbox, with a point armed at which this process is killed."""
    runs.CHUNK = chunk or runs.CHUNK
    registry = Registry()
    for kind in (DecideAnew, IndexForm):
        registry.register(kind, REGISTRY.find(kind.kind).handler)
    report(started=True)
    with armed(failpoint, nth=nth, action="kill") if failpoint else nullcontext():
        drained = relay.drain("default", registry=registry, lease=1.0, seconds=300.0)
    with across_tenants(using="default"):
        errors = list(OutboxAction.objects.exclude(last_error="").values_list("kind", "crashes", "last_error"))
    report(done=drained.done, failed=drained.failed, dead=drained.dead, errors=errors)


def compare(report: Report) -> None:
    """Compare each copy, as it is read, with what is stored, listed, filtered and found; report the differences."""
    tenant = Tenant.objects.get(code=TENANT)
    wrong: list[str] = []
    with use_tenant(tenant):
        listed = {copy.pk: copy for copy in present_rows(list_forms())}
        by_state = {
            state: {copy.pk for copy in present_rows(in_state(list_forms(), state), state=state)} for state in STATES
        }
        found = {match.copy_id for match in rank_forms(list_forms(), "form", personal=False, limit=100_000)}
        stored = {copy.pk: copy for copy in Copy.objects.all()}
        open_runs = DecisionRun.objects.filter(finished_at=None).count()
        versions = sum(copy.version for copy in stored.values())
    for copy_id, copy in stored.items():
        context = batch.find(copy_id, scope=tenant, actor=ACTOR)
        _, evaluation = context.current_view()
        summary, state = summary_of(evaluation)
        if not context.is_evaluation_current or summary_of(context.evaluation) != (summary, state):
            wrong.append(f"{copy_id} waits")
        for shown in (copy.summary, listed[copy_id].summary):
            if any(shown[name] != value for name, value in summary.items()):
                wrong.append(f"{copy_id} is listed as {shown['standing']} and is {state}")
        if [name for name, ids in by_state.items() if copy_id in ids] != [state] or copy_id not in found:
            wrong.append(f"{copy_id} is not found as {state}")
    report(copies=len(stored), versions=versions, open_runs=open_runs, wrong=wrong[:5], amount=len(wrong))


def summary_of(evaluation: Evaluation) -> tuple[dict[str, object], State]:
    """Return what a summary says of an evaluation, and its state."""
    outcomes = {code: product.outcome for code, product in evaluation.eligibility.items()}
    premiums = {code: product.premium for code, product in evaluation.eligibility.items() if product.premium}
    needed = len(evaluation.needed.quote)
    state = standing_of(needed=needed, outcomes=outcomes.values())
    return {"outcomes": outcomes, "premiums": premiums, "needed": needed, "standing": state}, state
