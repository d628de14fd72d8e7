"""The run with two PostgreSQL servers: nothing is lost when one is killed, and its checks find what would be."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from actions.models import OutboxAction
from actions.relay import drain
from benchmarks.agents import begin_forms
from benchmarks.servers import KILLED, LIVING, Course, first_saves, what_is_wrong
from benchmarks.tenant_load import Call, Program, TenantLoad
from catalogue.demo import load_demo_catalogue
from tenants.current_tenant import across_tenants
from tenants.models import Tenant
from tests.harness.measurements import run_measurements

#: What must hold in a run of any length, on a machine with any load.
PROMISES = (
    "two servers: failed saves of the living server's tenants",
    "two servers, away: those without 503 and Retry-After",
    "two servers: programs that ended by themselves",
    "two servers: saves lost, doubled or half done, and actions lost",
)


@pytest.mark.fault
@pytest.mark.django_db(transaction=True)
def test_a_killed_server_takes_its_own_tenants_along_and_no_save(tmp_path: Path) -> None:
    figures, done = run_measurements("servers", path=tmp_path / "figures.json")

    values = {entry["name"]: entry["value"] for entry in figures}
    assert {name: values[name] for name in PROMISES} == dict.fromkeys(PROMISES, 0), done.stderr
    assert values["two servers, away: refusals of the dead server's tenants"] > 0


@pytest.fixture
def saved() -> tuple[UUID, TenantLoad]:
    """Return a new form, whose actions have not run, and a load that has saved nothing."""
    catalogue = load_demo_catalogue(actor_id="tests").catalogue.code
    tenant = Tenant.objects.create(code="agency", name="Agency", catalogue=catalogue)
    (copy,) = begin_forms(tenant, 1)
    program = Program(tenant="default", token="", port=0, copies=[copy])
    return copy, TenantLoad([program], every=1)


@pytest.mark.django_db(transaction=True)
def test_whole_work_has_no_faults(saved: tuple[UUID, TenantLoad]) -> None:
    copy, load = saved
    drain("default")

    assert what_is_wrong("default", [copy], load) == []


@pytest.mark.django_db(transaction=True)
def test_lost_saves_and_actions_are_found(saved: tuple[UUID, TenantLoad]) -> None:
    copy, load = saved
    load.acknowledged[copy].append(2)
    with across_tenants(using="default"):
        OutboxAction.objects.all().delete()

    assert what_is_wrong("default", [copy], load) == [
        f"default: {copy} at 1 has {what}"
        for what in ("other versions than those acknowledged", "a version without its event", "an older search entry")
    ]


def test_the_recovery_counts_each_web_process_and_tenant() -> None:
    course = Course(began=0.0, killed=10.0, restarted=20.0, ended=40.0)

    def call(began: float, status: int, **more: Any) -> Call:
        known = {"tenant": KILLED[0], "port": 1, "seconds": 0.5, "says_when": True}
        return Call(**{**known, **more}, began=began, status=status)

    calls = [
        call(5.0, 200), call(15.0, 503), call(20.5, 503), call(22.5, 200), call(24.0, 200),
        call(21.5, 200, port=2), call(20.1, 200, tenant=LIVING[0]),
        call(21.0, 503, tenant=KILLED[1]),
    ]  # fmt: skip

    assert first_saves(calls, course) == [3.0, 2.0, 110.0]
    assert [course.phase(each) for each in calls[:4]] == ["before", "away", "after", "after"]
