"""Staff with the permission find, export and erase a person at the tenant in view."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from catalogue.models import Release
from operations.models import Erasure
from tenants.models import ApiClient, Tenant
from tests.harness.api_client import Api
from tests.harness.canaries import in_database

pytestmark = pytest.mark.django_db
EMAIL = "rosalindquill@person.example"


@pytest.fixture
def form(demo: Release, harbor_client: ApiClient) -> str:
    """Return a form of the person at harbor."""
    created = Api(harbor_client).post("/application_forms", {"answers": {"mqs_email": EMAIL}})
    assert created.status_code == 201, created.content
    return str(created.json()["id"])


def ask(browser: Client, **fields: object) -> Any:
    return browser.post(reverse("admin:persons"), {"email": EMAIL, **fields})


def test_a_person_is_found_exported_and_erased(admin: Client, form: str, harbor: Tenant, summit: Tenant) -> None:
    assert "Choose one tenant" in admin.get(reverse("admin:persons")).content.decode()
    admin.post(reverse("admin:scope"), {"scope": f"tenant:{summit.pk}"})
    assert form not in ask(admin).content.decode()
    admin.post(reverse("admin:scope"), {"scope": f"tenant:{harbor.pk}"})

    assert form in ask(admin, step="find").content.decode()
    exported = json.loads(ask(admin, step="export").content)
    assert [one["id"] for one in exported["forms"]] == [form]
    assert ask(admin, step="erase", confirmation="2").status_code == 422
    assert Erasure.objects.count() == 0

    page = ask(admin, step="erase", confirmation="1").content.decode()

    record = Erasure.objects.get(subject="person")
    assert str(record.pk) in page and record.requested_by.startswith("staff:")
    assert in_database({"email": EMAIL}) == set()


@pytest.mark.parametrize(
    "permissions", [(), ("copies.view_copy", "copies.reveal_sensitive", "operations.view_erasure")]
)
def test_it_needs_the_permission(make_staff: Callable[..., Client], form: str, permissions: tuple[str, ...]) -> None:
    browser = make_staff(*permissions)

    assert browser.get(reverse("admin:persons")).status_code == ask(browser).status_code == 403
    assert in_database({"email": EMAIL}) != set()


def test_what_is_erased_is_the_person_of_the_list(admin: Client, form: str, harbor: Tenant) -> None:
    admin.post(reverse("admin:scope"), {"scope": f"tenant:{harbor.pk}"})

    page = ask(admin, step="find").content.decode()

    search, *orders = [one for one in re.findall(r"<form .*?</form>", page, re.DOTALL) if 'name="email"' in one]
    assert 'value="find"' in search and 'value="erase"' not in search and len(orders) == 2
    assert all(f'type="hidden" name="email" value="{EMAIL}"' in order for order in orders)
    assert "will be erased" in page


def test_where_nothing_is_found_nothing_is_offered(admin: Client, form: str, harbor: Tenant) -> None:
    admin.post(reverse("admin:scope"), {"scope": f"tenant:{harbor.pk}"})

    page = ask(admin, email="nobody@person.example", step="find").content.decode()

    assert "concerns this person" in page and 'value="erase"' not in page and 'value="export"' not in page


@pytest.mark.parametrize(
    ("permission", "is_linked"), [("operations.erase_person", True), ("operations.view_erasure", False)]
)
def test_the_sidebar_leads_to_the_page_with_its_permission_alone(
    make_staff: Callable[..., Client], permission: str, is_linked: bool
) -> None:
    page = make_staff(permission).get(reverse("admin:index")).content.decode()

    assert (reverse("admin:persons") in page) is is_linked
