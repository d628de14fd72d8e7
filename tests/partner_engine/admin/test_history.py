"""The history pages of edited rows: who, before and after, above the admin's log; secrets are never shown."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from carriers.models import CarrierLink
from tenants.access import Role
from tenants.company_sign_in_models import CompanySignIn
from tenants.current_tenant import use_tenant
from tenants.history import History
from tenants.models import ApiClient, Flag, OwnRateLimit, RateLimit, Tenant, User
from tests.harness.cast import PASSWORD
from webhooks.models import WebhookEndpoint


def history(client: Client, row: object) -> str:
    meta = type(row)._meta  # type: ignore[attr-defined]
    page = client.get(reverse(f"admin:{meta.app_label}_{meta.model_name}_history", args=(row.pk,)))  # type: ignore[attr-defined]
    assert page.status_code == 200
    return " ".join(page.content.decode().split())


def test_a_change_of_a_user_shows_both_values_and_the_author(admin: Client, owner: User, harbor: Tenant) -> None:
    group = Group.objects.create(name="Support")
    address = reverse("admin:tenants_user_change", args=(owner.pk,))
    fields = {"email": owner.email, "full_name": "Robin A. Hale", "role": "tenant_admin", "tenant": str(harbor.pk)}

    admin.post(address, {**fields, "is_active": "on", "groups": [str(group.pk)]})

    page = history(admin, owner)
    assert "Role: <del>Agent</del> → <ins>Tenant admin</ins>" in page
    assert f"Full name: <del>{owner.full_name}</del> → <ins>Robin A. Hale</ins>" in page
    assert "in the admin" in page
    assert "Groups: nothing → “Support”." in page
    assert owner.password not in page


def test_a_change_on_an_agents_page_has_its_author(
    admin: Client, owner: User, harbor: Tenant, sign_in: Callable[[User], Client]
) -> None:
    owner.role = "tenant_admin"
    owner.save()
    changed = {"name": "Harbor and Sons", "phone": "(614) 555-2368", "email": "desk@harbor.example"}

    assert sign_in(owner).post("/settings/agency", changed).status_code == 302

    page = history(admin, harbor)
    assert f"Name: <del>{harbor.name}</del> → <ins>Harbor and Sons</ins>" in page
    assert owner.full_name in page and "on the agents&#x27; pages" in page


def test_a_new_secret_is_noted_without_its_value(admin: Client, harbor: Tenant) -> None:
    client = ApiClient.objects.create(name="Bridge", tenant=harbor, client_secret="a-secret-of-theirs")

    admin.post(reverse("admin:tenants_apiclient_new_secret", args=(client.pk,)))

    client.refresh_from_db()
    page = history(admin, client)
    assert "Replaced: client secret." in page
    assert "Added" in page
    assert client.client_secret not in page and "a-secret-of-theirs" not in page


#: Makes one row of each tracked model; endpoints have a test of their own.
ROWS: dict[type[Model], Callable[[Tenant], Model]] = {
    ApiClient: lambda tenant: ApiClient.objects.create(name="Bridge", tenant=tenant),
    CarrierLink: lambda _: CarrierLink.objects.create(catalogue="demo", carrier="XX", base_url="https://xx.example"),
    CompanySignIn: lambda tenant: CompanySignIn.objects.create(
        tenant=tenant, issuer="https://login.example.com", client_id="harbor", mail_domains=["harbor.example"]
    ),
    Flag: lambda _: Flag.objects.create(name="copies"),
    OwnRateLimit: lambda tenant: OwnRateLimit.objects.create(scope="api", tenant=tenant, amount=5, window=60),
    RateLimit: lambda _: RateLimit.objects.create(scope="other", amount=5, window=60),
    Tenant: lambda _: Tenant.objects.create(code="other", name="Other Brokers"),
    User: lambda tenant: User.objects.create_user("new@harbor.example", PASSWORD, role=Role.AGENT, tenant=tenant),
}


def test_every_tracked_model_has_a_row_here() -> None:
    assert ROWS.keys() | {WebhookEndpoint} == History.trackers.keys()


@pytest.mark.parametrize("model", ROWS, ids=lambda model: model.__name__)
def test_the_admin_of_every_tracked_model_shows_it(model: type[Model], admin: Client, harbor: Tenant) -> None:
    page = history(admin, ROWS[model](harbor))

    assert "Changes of fields" in page
    assert "Added" in page


def test_the_first_change_of_a_rate_limit_has_a_value_before(admin: Client) -> None:
    limit = RateLimit.objects.get(scope="auth")
    before = limit.amount
    limit.amount = before + 1
    limit.save()

    page = history(admin, limit)
    assert f"Amount: <del>{before}</del> → <ins>{before + 1}</ins>" in page
    assert "system" in page


def test_the_history_of_an_endpoint_is_hidden_from_staff_of_another_tenant(
    admin: Client, harbor: Tenant, summit: Tenant
) -> None:
    with use_tenant(harbor):
        endpoint = WebhookEndpoint(tenant_id=harbor.id, url="https://hooks.example.com/in", event_types=["*"])
        endpoint.secret, endpoint.created_at, endpoint.created_by = b"sealed", harbor.created_at, "test"
        endpoint.save()
    assert "Changes of fields" in history(admin, endpoint)

    admin.post(reverse("admin:scope"), {"scope": f"tenant:{summit.pk}"})

    page = admin.get(reverse("admin:webhooks_webhookendpoint_history", args=(endpoint.pk,)))
    assert page.status_code in (302, 404)
    assert b"hooks.example.com" not in page.content
