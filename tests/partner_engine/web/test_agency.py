"""The agency's profile: changed by its administrators alone, seen by guests and customers."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from structlog.testing import capture_logs

from tenants.access import Role
from tenants.models import Logo, Tenant, User
from tests.harness.guests import guest_of

pytestmark = pytest.mark.django_db

PAGE = "/settings/agency"
PROFILE = {"name": "Harbor Insurance Partners", "phone": "614-555-2368", "email": "desk@harbor.example"}


@pytest.fixture
def admin_page(owner: User, sign_in: Callable[[User], Client]) -> Client:
    """Return the browser of harbor's administrator."""
    owner.role = Role.TENANT_ADMIN
    owner.save()
    return sign_in(owner)


def logo_file(name: str = "logo.png") -> SimpleUploadedFile:
    output = BytesIO()
    Image.new("RGB", (40, 20), "navy").save(output, "PNG")
    return SimpleUploadedFile(name, output.getvalue(), content_type="image/png")


def test_an_administrator_changes_the_profile(admin_page: Client, harbor: Tenant, owner: User) -> None:
    with capture_logs() as logs:
        response = admin_page.post(PAGE, {**PROFILE, "name": " Harbor \n Insurance ", "logo": logo_file()})

    assert (response.status_code, response["Location"]) == (302, f"{PAGE}?saved=1")
    harbor.refresh_from_db()
    assert (harbor.name, harbor.phone, harbor.email) == ("Harbor Insurance", "(614) 555-2368", "desk@harbor.example")
    page = admin_page.get(response["Location"]).content.decode()
    assert "The profile is saved." in page
    assert f'src="/logos/{harbor.logo_id}"' in page
    [entry] = [entry for entry in logs if entry["event"] == "audit.agency_profile_changed"]
    assert (entry["tenant"], entry["by"]) == ("harbor", str(owner.pk))

    admin_page.post(PAGE, {**PROFILE, "remove_logo": "1"})

    harbor.refresh_from_db()
    assert harbor.logo_id is None


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("name", "  ", "This field is required."),
        ("phone", "12", "Enter a US phone number"),
        ("email", "desk", "Enter a valid email address."),
        ("name", "Har\0bor", "Null characters are not allowed."),
        ("logo", SimpleUploadedFile("logo.svg", b"<svg/>", content_type="image/svg+xml"), "PNG, JPEG or WebP picture"),
    ],
)
def test_a_wrong_field_changes_nothing(field: str, value: Any, text: str, admin_page: Client, harbor: Tenant) -> None:
    response = admin_page.post(PAGE, {**PROFILE, "phone": "", field: value})

    page = response.content.decode()
    assert response.status_code == 422
    assert text in page and "aria-invalid" in page
    before = harbor.name, harbor.phone, harbor.email, harbor.logo_id
    harbor.refresh_from_db()
    assert (harbor.name, harbor.phone, harbor.email, harbor.logo_id) == before


def test_agents_do_not_change_the_profile(owner: User, sign_in: Callable[[User], Client], harbor: Tenant) -> None:
    client = sign_in(owner)

    shown, changed = client.get(PAGE), client.post(PAGE, PROFILE)

    assert (shown.status_code, changed.status_code) == (403, 403)
    assert PAGE not in client.get("/").content.decode()
    harbor.refresh_from_db()
    assert harbor.phone == ""


def test_a_logo_is_a_picture_and_nothing_else(admin_page: Client, harbor: Tenant) -> None:
    admin_page.post(PAGE, {**PROFILE, "logo": logo_file("logo.html")})
    harbor.refresh_from_db()

    response = Client().get(f"/logos/{harbor.logo_id}")

    assert response.content == bytes(Logo.objects.get().picture)
    assert response.headers["Content-Type"] == "image/png"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert Client().get(f"/logos/{uuid4()}").status_code == 404


def test_guests_see_the_profile(admin_page: Client, harbor: Tenant, start_form: Callable[..., str]) -> None:
    admin_page.post(PAGE, {**PROFILE, "logo": logo_file()})
    harbor.refresh_from_db()
    copy_id = start_form()
    guest, _ = guest_of(harbor, copy_id)

    page = guest.get(f"/guest/{copy_id}/form").content.decode()

    assert 'href="tel:(614)555-2368"' in page
    assert 'href="mailto:desk@harbor.example"' in page
    assert f'src="/logos/{harbor.logo_id}"' in page
