"""``manage.py seed_demo``."""

from __future__ import annotations

import io

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.http import HttpRequest
from django.test import Client
from pytest_django import Settings

from batch import service as batch
from catalogue.demo import read_samples
from catalogue.models import Question, Release
from copies.models import Copy
from forms.models import ApplicationForm
from house import demo_sign_ins
from partner_engine.management.commands import seed_demo
from quoting.gates import gates_of
from quoting.models import CarrierAppointment, ProducerLicense
from tenants.access import Right, system_actor
from tenants.current_tenant import across_tenants, use_tenant
from tenants.models import ApiClient, Tenant, User


@pytest.mark.django_db
def test_without_demo_nothing_is_made(settings: Settings) -> None:
    settings.DEMO = False

    with pytest.raises(CommandError, match="set DEMO=1"):
        call_command("seed_demo")

    assert (Tenant.objects.count(), User.objects.count()) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_the_demo_is_made_once(settings: Settings) -> None:
    settings.DEMO = True

    told = io.StringIO()
    call_command("seed_demo", stdout=told)
    before = _everything()
    call_command("seed_demo", stdout=told)

    samples = read_samples()
    forms = sum(not sample.copy_of for sample in samples)
    assert told.getvalue().splitlines() == [
        f"The demo is loaded: 2 tenants, {forms} new forms.",
        "The demo is loaded: 2 tenants, 0 new forms.",
    ]
    assert _everything() == before
    with use_tenant(Tenant.objects.get(code="harbor")):
        assert ApplicationForm.objects.count() == forms
        assert Copy.objects.count() == sum(not sample.is_base for sample in samples)
        permissions = ProducerLicense.objects.count(), CarrierAppointment.objects.count()
        gates = {
            code: gate.text
            for copy in Copy.objects.all()
            for code, gate in gates_of(
                batch.find(copy.id, scope=Tenant.objects.get(code="harbor"), actor=system_actor("test"))
            ).items()
        }
    assert permissions == (51, 7)
    # No open product of a sample is gated, and one that declines is, for all to see.
    assert gates == {"QM-GL": "Not appointed with Quillmark Mutual in OH."}
    for email in ("agent@harbor.example", "second@harbor.example", "agent@summit.example"):
        user = authenticate(HttpRequest(), username=email, password="demo")
        assert isinstance(user, User)
        assert user.tenant is not None
        assert user.tenant.code == email.partition("@")[2].removesuffix(".example")
    administrator = authenticate(HttpRequest(), username="admin@harbor.example", password="demo")
    assert isinstance(administrator, User)
    assert administrator.as_actor(source="web").may(Right.MANAGE_AGENCY)
    staff = authenticate(HttpRequest(), username="staff@partner-engine.example", password="demo")
    assert isinstance(staff, User)
    assert (staff.is_staff, staff.is_superuser, staff.tenant) == (True, True, None)
    for code in ("harbor", "summit"):
        asked = {
            "grant_type": "client_credentials",
            "client_id": f"{code}-demo",
            "client_secret": f"{code}-demo-secret",
            "scope": " ".join(set(Right) - {Right.CLONE_TO_TENANTS}),
        }
        answer = Client().post("/o/token/", asked)
        assert answer.status_code == 200
        assert set(answer.json()["scope"].split()) == set(Right) - {Right.CLONE_TO_TENANTS}


def test_the_listed_sign_ins_are_those_of_the_demo() -> None:
    assert demo_sign_ins.AGENTS == tuple(seed_demo.AGENTS)
    assert demo_sign_ins.ADMINISTRATORS == tuple(seed_demo.ADMINISTRATORS)
    assert demo_sign_ins.STAFF == (seed_demo.STAFF,)
    assert demo_sign_ins.PASSWORD == seed_demo.PASSWORD


@pytest.mark.django_db
def test_changes_of_the_demo_by_staff_stay(settings: Settings) -> None:
    settings.DEMO = True
    call_command("seed_demo", stdout=io.StringIO())
    Question.objects.filter(code="mqs_business_name").update(label="Name on the sign")
    Tenant.objects.filter(code="summit").update(catalogue="another")
    harbor = Tenant.objects.get(code="harbor")
    with use_tenant(harbor):
        ApplicationForm.objects.all().delete()

    call_command("seed_demo", stdout=io.StringIO())

    assert Question.objects.get(code="mqs_business_name").label == "Name on the sign"
    assert Release.objects.count() == 1
    assert Tenant.objects.get(code="summit").catalogue == "another"


def _everything() -> list[object]:
    with across_tenants(using="default"):
        copies = list(Copy.objects.order_by("id").values_list("id", "version"))
    users = list(User.objects.order_by("email").values_list("id", "password"))
    return [copies, users, list(ApiClient.objects.order_by("pk").values_list("pk", "client_secret"))]
