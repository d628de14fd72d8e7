"""Licenses and appointments in the admin: of the chosen tenant, with codes of its catalogue."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from batch import service as batch
from catalogue.models import Catalogue
from encryption.signatures import public_keys
from forms.models import Declination
from quoting.models import CarrierAppointment, ProducerLicense
from tenants.access import system_actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tests.harness.kennel_catalogue import ANSWERS, HOUSES
from tests.harness.permissions import license_in
from verify_export import fault_in

pytestmark = pytest.mark.django_db
LICENSE = {"state": "OH", "number": "OH-1", "valid_from": "2026-01-01"}
APPOINTMENT = {"carrier": "PA", "states": "OH, TX", "producer_code": "P-1", "valid_from": "2026-01-01"}


@pytest.fixture
def chosen(admin: Client, harbor: Tenant, kennels: Catalogue) -> Client:
    """Return the browser of staff who have chosen harbor, whose catalogue is the kennels'."""
    Tenant.objects.filter(pk=harbor.pk).update(catalogue="kennels")
    admin.post(reverse("admin:scope"), {"scope": f"tenant:{harbor.pk}"})
    return admin


def add(client: Client, model: str, fields: dict[str, str]) -> Any:
    return client.post(reverse(f"admin:quoting_{model}_add"), fields)


def faults(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200
    return dict(response.context["adminform"].form.errors)


def test_a_license_is_added_for_the_chosen_tenant(chosen: Client, harbor: Tenant, owner: User) -> None:
    response = add(chosen, "producerlicense", {**LICENSE, "lines": "care", "user_id": str(owner.pk)})

    assert response.status_code == 302, faults(response)
    with use_tenant(harbor):
        row = ProducerLicense.objects.get()
    assert (row.tenant_id, row.user_id, row.state, row.lines) == (harbor.pk, owner.pk, "OH", ["care"])


def test_an_appointment_is_added(chosen: Client, harbor: Tenant) -> None:
    response = add(chosen, "carrierappointment", {**APPOINTMENT, "products": "PA-CARE"})

    assert response.status_code == 302, faults(response)
    with use_tenant(harbor):
        assert CarrierAppointment.objects.get().states == ["OH", "TX"]


@pytest.mark.parametrize(
    ("model", "fields", "field"),
    [
        ("producerlicense", {**LICENSE, "state": "Ohio"}, "state"),
        ("producerlicense", {**LICENSE, "lines": "bop"}, "lines"),
        ("producerlicense", {**LICENSE, "valid_until": "2025-12-31"}, "valid_until"),
        ("producerlicense", {**LICENSE, "user_id": "01935ad0-1f7e-7c32-9d3e-5f0a6d1c2b10"}, "user_id"),
        ("carrierappointment", {**APPOINTMENT, "carrier": "QM"}, "carrier"),
        ("carrierappointment", {**APPOINTMENT, "products": "WO-CARE"}, "products"),
        ("carrierappointment", {**APPOINTMENT, "states": "OH, ohio"}, "states"),
    ],
)
def test_a_wrong_value_is_refused_at_its_field(
    model: str, fields: dict[str, str], field: str, chosen: Client, harbor: Tenant
) -> None:
    assert list(faults(add(chosen, model, fields))) == [field]

    with use_tenant(harbor):
        assert not ProducerLicense.objects.exists() and not CarrierAppointment.objects.exists()


def test_the_same_license_is_refused(chosen: Client, harbor: Tenant) -> None:
    license_in(harbor, "OH", valid_from="2026-01-01")

    assert "already recorded" in str(faults(add(chosen, "producerlicense", LICENSE)))


def test_without_a_chosen_tenant_nothing_is_added(admin: Client, kennels: Catalogue) -> None:
    assert add(admin, "producerlicense", LICENSE).status_code == 403


def test_declinations_are_exported_signed_and_without_personal_values(
    admin: Client, harbor: Tenant, kennels: Catalogue
) -> None:
    with batch.build_context(scope=harbor, actor=system_actor("test"), catalogue="kennels") as context:
        context.changeset.apply_answers({**ANSWERS, "has_cats": True, "cat_count": 120}, {"houses": HOUSES})
        context.changeset.quote_requests.request("WO-CARE")
        context.save()
    with use_tenant(harbor):
        record = Declination.objects.get()
    page = admin.get(reverse("admin:forms_declination_change", args=[record.pk])).content.decode()
    assert "More than 100 cats (P1)" in page and "Requested" in page

    response = admin.post(
        reverse("admin:forms_declination_changelist"), {"action": "export", "_selected_action": [str(record.pk)]}
    )

    assert fault_in(response.content, public_keys()) == ""
    assert str(record.copy_id) in response.content.decode()
    with use_tenant(harbor):
        assert Declination.objects.count() == 1
