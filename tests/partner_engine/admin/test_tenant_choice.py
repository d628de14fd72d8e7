"""Staff choose in the header the forms that they see: those of one tenant, or of all tenants in one database."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from tenants.models import Tenant, User
from tests.harness.sensitive_kennel import start_kennel

LIST = "admin:forms_applicationform_changelist"


def choose(client: Client, scope: str, **other: str) -> int:
    return client.post(reverse("admin:scope"), {"scope": scope, **other}).status_code


def test_all_tenants_of_the_shared_database_are_shown_at_first(
    admin: Client, kennel: UUID, stranger: User, summit: Tenant
) -> None:
    other = start_kennel(summit, stranger)

    text = admin.get(reverse(LIST)).content.decode()

    assert str(kennel) in text
    assert str(other) in text
    assert "Harbor Insurance Partners" in text


def test_only_the_chosen_tenant_is_shown(admin: Client, kennel: UUID, stranger: User, summit: Tenant) -> None:
    other = start_kennel(summit, stranger)

    assert choose(admin, f"tenant:{summit.pk}") == 302
    text = admin.get(reverse(LIST)).content.decode()

    assert str(other) in text
    assert str(kennel) not in text
    assert f'<option value="tenant:{summit.pk}" selected>' in text


@pytest.mark.django_db(databases=["default", "summit_db"])
def test_a_tenant_with_its_own_database_is_shown_from_there(admin: Client, kennel: UUID, summit_apart: Tenant) -> None:
    agent = User.objects.create_user("apart@summit.example", role="agent", tenant=summit_apart)
    apart = start_kennel(summit_apart, agent)

    at_first = admin.get(reverse(LIST)).content.decode()
    choose(admin, "database:summit_db")
    all_there = admin.get(reverse(LIST)).content.decode()
    choose(admin, f"tenant:{summit_apart.pk}")
    alone = admin.get(reverse("admin:copies_copy_change", args=(apart,)))

    assert str(apart) not in at_first
    assert str(apart) in all_there
    assert str(kennel) not in all_there
    assert alone.status_code == 200
    assert admin.get("/admin/").status_code == 200


@pytest.mark.parametrize("scope", ["tenant:", "tenant:no-id", f"tenant:{UUID(int=7)}", "database:nowhere", ""])
def test_an_unknown_tenant_is_not_chosen(scope: str, admin: Client) -> None:
    assert choose(admin, scope) == 400


def test_the_redirect_stays_on_this_site(admin: Client) -> None:
    answer = admin.post(reverse("admin:scope"), {"scope": "database:default", "next": "https://elsewhere.example/"})

    assert answer.headers["Location"] == "/admin/"


def test_staff_without_permissions_see_no_names_of_tenants(make_staff: Callable[..., Client], harbor: Tenant) -> None:
    junior = make_staff()

    assert "Harbor Insurance Partners" not in junior.get("/admin/").content.decode()
    assert choose(junior, f"tenant:{harbor.pk}") == choose(junior, "tenant:1") == 403


def test_staff_who_see_forms_choose_a_tenant(make_staff: Callable[..., Client], harbor: Tenant) -> None:
    junior = make_staff("forms.view_applicationform")

    assert "Harbor Insurance Partners" in junior.get("/admin/").content.decode()
    assert choose(junior, f"tenant:{harbor.pk}") == 302
