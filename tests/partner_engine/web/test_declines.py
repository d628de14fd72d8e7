"""The page of declines, its export, and the gates on product cards."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from catalogue.demo import read_samples
from forms.models import Declination
from tenants.access import Role
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tests.harness.page_client import Page, StartForm, markup
from tests.harness.permissions import appoint, license_in

S4 = next(sample for sample in read_samples() if sample.id == "S4")


@pytest.fixture
def page(start_form: StartForm, open_page: Callable[[str], Page]) -> Page:
    """Return the owner's page of the sample whose admitted products decline."""
    return open_page(start_form(S4.answers, S4.answer_pools, as_of=S4.as_of))


def declines(page: Page) -> str:
    response = page.client.get(f"/forms/{page.copy_id}/declines")
    assert response.status_code == 200
    return markup(response)


def test_the_page_shows_reasons_values_and_the_condition(page: Page) -> None:
    content = declines(page)

    assert "Quillmark Mutual General liability" in content
    assert 'Roofing above 20 feet <span class="muted">(TG1)</span>' in content
    assert '<span class="muted">Highest work above ground (feet)</span> <b>25</b>' in content
    assert "the condition is met, because" in content
    assert "No record yet." in content


def test_an_export_is_a_file_and_leaves_a_record(page: Page, harbor: Tenant) -> None:
    response = page.client.post(f"/forms/{page.copy_id}/declines/export")

    assert response["Content-Disposition"] == 'attachment; filename="declines.json"'
    assert json.loads(response.content)["content"]["exported_by"]["name"] == "Ona Owner"
    with use_tenant(harbor):
        assert Declination.objects.get().act == "exported"
    content = declines(page)
    assert "Exported: Owl Hollow Specialty General liability" in content
    assert "by Ona Owner" in content


def test_others_find_neither_page_nor_export(page: Page, sign_in: Any, harbor: Tenant) -> None:
    stranger = User.objects.create_user(
        "stranger@summit.example", "x", role=Role.AGENT, tenant=Tenant.objects.create(code="other", name="Other")
    )
    for client, status in ((sign_in(stranger), 404), (Client(), 302)):
        assert client.get(f"/forms/{page.copy_id}/declines").status_code == status
        assert client.post(f"/forms/{page.copy_id}/declines/export").status_code == status

    assert page.client.get(f"/forms/{page.copy_id}/declines/export").status_code == 405
    with use_tenant(harbor):
        assert not Declination.objects.exists()


def test_a_gate_is_shown_beside_the_outcome(page: Page, harbor: Tenant) -> None:
    license_in(harbor, "FL")
    appoint(harbor, "QM")
    appoint(harbor, "OH", states=["TX"])

    content = markup(page.client.get(f"/forms/{page.copy_id}"))

    assert '<p class="reasons gate">Not appointed with Tarn and Tallow Casualty in FL.</p>' in content
    assert '<p class="reasons gate">Not appointed with Owl Hollow Specialty in FL.</p>' in content
    assert content.count("reasons gate") == 2
    assert f'<a href="/forms/{page.copy_id}/declines">Declines on record</a>' in content
