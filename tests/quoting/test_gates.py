"""The gates of a copy, from the tenant's own rows alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from importlib import import_module
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from batch import service as batch
from batch.errors import NotFound
from copies.codec import UnreadableDocument
from quoting.gates import COPY_HEAD, find_head, gates_of, permissions_of
from quoting.permissions import Gate
from tenants.access import Actor, system_actor
from tenants.models import Tenant
from tests.harness.permissions import appoint, license_in

pytestmark = pytest.mark.django_db
NO_LICENSE = Gate("not_licensed", "No producer license for Animals in care in TX.")
NOT_APPOINTED = Gate("not_appointed", "Not appointed with Pawprint Mutual in TX.")


def gates(form_id: UUID, scope: Tenant, actor: Actor) -> dict[str, Gate]:
    return gates_of(batch.find(form_id, scope=scope, actor=actor))


def test_without_records_nothing_is_gated(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    assert gates(form_id, kennels, agent) == {}


def test_a_license_of_another_state_gates_every_product(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    license_in(kennels, "OH")

    assert gates(form_id, kennels, agent) == {"PA-CARE": NO_LICENSE, "WO-CARE": NO_LICENSE}


def test_appointments_gate_by_carrier(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    license_in(kennels, "TX", lines=["care"])
    appoint(kennels, "WO")
    appoint(kennels, "PA", states=["OH"])

    assert gates(form_id, kennels, agent) == {"PA-CARE": NOT_APPOINTED}


def test_a_license_of_a_user_counts_for_that_user_alone(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    license_in(kennels, "TX", user_id=UUID(agent.id))
    other = replace(agent, id=str(UUID(int=8)))

    assert gates(form_id, kennels, agent) == {}
    assert gates(form_id, kennels, other)["PA-CARE"] == NO_LICENSE
    assert gates(form_id, kennels, system_actor("carriers"))["PA-CARE"] == NO_LICENSE


def test_records_of_another_tenant_do_not_count(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    other = Tenant.objects.create(code="other", name="Other")
    license_in(other, "OH")
    appoint(other, "WO")

    assert gates(form_id, kennels, agent) == {}


def test_the_decision_remains_unchanged(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    before = batch.find(form_id, scope=kennels, actor=agent).evaluation
    license_in(kennels, "OH")

    assert batch.find(form_id, scope=kennels, actor=agent).evaluation == before
    assert before.eligibility["PA-CARE"].outcome == "eligible"


def test_the_gates_take_one_query(make_form: Callable[..., UUID], kennels: Tenant, agent: Actor) -> None:
    form_id = make_form({"lines": ["care", "premises"]})
    for place in range(20):
        license_in(kennels, "OH", number=str(place))
        appoint(kennels, "PA", valid_until=date(2020, 2, 1))
    context = batch.find(form_id, scope=kennels, actor=agent)
    context.current_view()

    with CaptureQueriesContext(connection) as queries:
        gates_of(context)

    assert len(queries) == 1


def test_a_head_has_the_same_licenses_and_appointments(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    license_in(kennels, "TX", user_id=UUID(agent.id), valid_until=date(2030, 1, 1))
    license_in(kennels, "OH", lines=["care"], user_id=UUID(int=8))
    appoint(kennels, "WO", products=["WO-CARE"], states=["TX"])

    for actor in (agent, replace(agent, id=str(UUID(int=8))), system_actor("test")):
        head, permissions = find_head(form_id, scope=kennels, actor=actor)

        assert permissions.stamp == permissions_of(kennels, actor=actor).stamp
        assert head.copy.id == form_id


def test_a_head_has_no_answers(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    head, _ = find_head(form_id, scope=kennels, actor=agent)

    with pytest.raises(UnreadableDocument):
        head.current_view()


def test_a_head_is_of_its_tenant_alone(form_id: UUID, harbor: Tenant, agent: Actor) -> None:
    with pytest.raises(NotFound):
        find_head(form_id, scope=harbor, actor=agent)


def test_the_migration_creates_the_function_of_the_program() -> None:
    assert import_module("quoting.migrations.0002_copy_head").FUNCTIONS == [COPY_HEAD.name]
