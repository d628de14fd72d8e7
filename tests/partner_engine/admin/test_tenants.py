"""Tenants keep the database of their forms; the secret of an API client is shown once."""

from __future__ import annotations

import base64
from collections.abc import Callable
from io import BytesIO
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from oauth2_provider.models import get_access_token_model
from PIL import Image

from tenants.access import Right
from tenants.agency_profile import find_logo
from tenants.models import ApiClient, Tenant


def token(client: ApiClient, secret: str) -> int:
    """Return the status of a token request with ``secret``."""
    basic = base64.b64encode(f"{client.client_id}:{secret}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"}
    return Client().post("/o/token/", {"grant_type": "client_credentials"}, headers=headers).status_code


def test_a_new_client_gets_a_secret_that_is_shown_once(admin: Client, harbor: Tenant) -> None:
    data = {"name": "Nightly import", "tenant": str(harbor.pk), "is_active": "on", "allowed_scopes": ["forms:read"]}

    answer = admin.post(reverse("admin:tenants_apiclient_add"), data)

    client = ApiClient.objects.get(name="Nightly import")
    secret = answer.context["secret"]
    assert answer.status_code == 200
    assert secret in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    assert client.client_secret != secret
    assert client.allowed_scopes == ["forms:read"]
    assert token(client, secret) == 200
    page = admin.get(reverse("admin:tenants_apiclient_change", args=(client.pk,))).content.decode()
    assert secret not in page
    assert client.client_secret not in page


def test_a_new_secret_ends_the_old_one_and_its_tokens(admin: Client, harbor_client: ApiClient) -> None:
    address = reverse("admin:tenants_apiclient_new_secret", args=(harbor_client.pk,))
    assert token(harbor_client, "harbor-secret") == 200

    asked = admin.get(address)
    answer = admin.post(address)

    assert asked.context["secret"] == ""
    assert token(harbor_client, "harbor-secret") == 401
    assert token(harbor_client, answer.context["secret"]) == 200
    assert get_access_token_model().objects.filter(application=harbor_client).count() == 1


def test_a_tenant_with_forms_keeps_its_database(admin: Client, harbor: Tenant, kennel: UUID) -> None:
    address = reverse("admin:tenants_tenant_change", args=(harbor.pk,))
    data = {"code": "other", "name": "Harbor", "time_zone": "America/Chicago", "database": "summit_db", "catalogue": ""}

    answer = admin.post(address, data)

    assert answer.status_code == 302
    harbor.refresh_from_db()
    assert (harbor.name, harbor.code, harbor.database) == ("Harbor", "harbor", "")
    assert admin.post(reverse("admin:tenants_tenant_delete", args=(harbor.pk,)), {"post": "yes"}).status_code == 403


def test_a_tenant_gets_only_an_existing_database(admin: Client, summit: Tenant) -> None:
    address = reverse("admin:tenants_tenant_change", args=(summit.pk,))
    data = {"code": "summit", "name": "Summit", "time_zone": "America/Chicago", "catalogue": ""}

    refused = admin.post(address, {**data, "database": "nowhere"})
    saved = admin.post(address, {**data, "database": "summit_db"})

    assert list(refused.context["adminform"].form.errors) == ["database"]
    assert saved.status_code == 302
    summit.refresh_from_db()
    assert summit.database == "summit_db"


def test_staff_change_the_profile_of_an_agency(admin: Client, harbor: Tenant) -> None:
    address = reverse("admin:tenants_tenant_change", args=(harbor.pk,))
    data = {"code": "harbor", "name": "Harbor", "time_zone": "America/Chicago", "database": "", "catalogue": ""}
    output = BytesIO()
    Image.new("RGB", (40, 20), "navy").save(output, "PNG")
    logo = SimpleUploadedFile("logo.png", output.getvalue(), content_type="image/png")

    refused = admin.post(address, {**data, "phone": "12", "logo": SimpleUploadedFile("logo.svg", b"<svg/>")})

    assert set(refused.context["adminform"].form.errors) == {"phone", "logo"}
    answer = admin.post(address, {**data, "phone": "6145552368", "email": "desk@harbor.example", "logo": logo})
    assert answer.status_code == 302
    harbor.refresh_from_db()
    assert (harbor.phone, harbor.email) == ("(614) 555-2368", "desk@harbor.example")
    assert find_logo(harbor.logo_id) is not None

    admin.post(address, {**data, "remove_logo": "on"})

    harbor.refresh_from_db()
    assert (harbor.phone, harbor.logo_id) == ("", None)


@pytest.mark.parametrize("scope", ["answers:pii", "forms:read"])
def test_staff_delete_no_client_beyond_their_own_rights(
    scope: str, make_staff: Callable[..., Client], harbor: Tenant
) -> None:
    junior = make_staff("tenants.view_apiclient", "tenants.delete_apiclient", "copies.view_copy")
    client = ApiClient.objects.create(client_id="old", client_secret="old", tenant=harbor, allowed_scopes=[scope])

    response = junior.post(reverse("admin:tenants_apiclient_delete", args=(client.pk,)), {"post": "yes"})

    is_above = scope == "answers:pii"
    assert response.status_code == (403 if is_above else 302)
    assert ApiClient.objects.filter(pk=client.pk).exists() == is_above


@pytest.mark.parametrize("scope", [right.value for right in Right])
def test_staff_allow_no_scope_beyond_their_own_rights(
    scope: str, make_staff: Callable[..., Client], harbor: Tenant
) -> None:
    junior = make_staff("tenants.add_apiclient", "tenants.change_apiclient", "copies.view_copy")
    data = {"name": "New", "tenant": str(harbor.pk), "is_active": "on", "allowed_scopes": [scope]}
    existing = ApiClient.objects.create(client_id="old", client_secret="old", tenant=harbor, allowed_scopes=[scope])

    made = junior.post(reverse("admin:tenants_apiclient_add"), data)
    renewed = junior.post(reverse("admin:tenants_apiclient_new_secret", args=(existing.pk,)))

    beyond = {"answers:pii", "answers:reveal", "webhooks:manage", "agency:manage", "forms:clone_to_tenants"}
    beyond |= {"persons:manage"}
    assert ("secret" in (made.context or {}), renewed.status_code) == ((False, 403) if scope in beyond else (True, 200))
    assert token(existing, "old") == (200 if scope in beyond else 401)
    assert ApiClient.objects.filter(name="New").exists() == (scope not in beyond)


def test_a_new_client_starts_with_the_least_scopes(admin: Client) -> None:
    form = admin.get(reverse("admin:tenants_apiclient_add")).context["adminform"].form

    assert form["allowed_scopes"].value() == ["forms:read", "catalogue:read"]
