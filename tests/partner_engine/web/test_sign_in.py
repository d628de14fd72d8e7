"""Signing in and out: redirects, wrong passwords, the lock-out."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import unquote

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from batch.context import BatchContext
from catalogue.models import Release
from tenants.models import User, UserSession
from tests.harness.cast import PASSWORD
from tests.harness.page_client import StartForm


def test_agents_go_to_their_forms_and_staff_to_the_admin(demo: Release, owner: User, staff: User) -> None:
    agent = Client().post("/sign-in", {"username": "OWNER@harbor.example", "password": PASSWORD})
    member_of_staff = Client().post("/sign-in", {"username": staff.email, "password": PASSWORD})

    assert agent.headers["Location"] == "/"
    assert member_of_staff.headers["Location"] == "/admin/"


def test_wrong_password_and_unknown_address_read_alike(owner: User) -> None:
    wrong = Client().post("/sign-in", {"username": owner.email, "password": "wrong"})
    unknown = Client().post("/sign-in", {"username": "nobody@harbor.example", "password": "wrong"})

    for response in (wrong, unknown):
        assert response.status_code == 200
        assert "The email address or the password is wrong." in response.content.decode()
        assert 'aria-invalid="true"' in response.content.decode()


def test_many_wrong_passwords_lock_out_with_a_reason(owner: User) -> None:
    client = Client()
    for _ in range(6):
        response = client.post("/sign-in", {"username": owner.email, "password": "wrong"})

    with_right_password = client.post("/sign-in", {"username": owner.email, "password": PASSWORD})

    assert response.status_code == with_right_password.status_code == 429
    assert "Try again in 15 minutes" in with_right_password.content.decode()


def test_sign_in_redirects_only_to_pages_of_this_site(owner: User) -> None:
    for following, goes in (("/forms/x", "/forms/x"), ("https://evil.example/", "/"), ("//evil.example", "/")):
        response = Client().post("/sign-in", {"username": owner.email, "password": PASSWORD, "next": following})
        assert response.headers["Location"] == goes


@pytest.mark.parametrize("page", ["/sign-in", "/admin/login/"])
def test_a_session_ends_twelve_hours_after_the_sign_in_however_much_it_changes(
    owner: User, staff: User, page: str
) -> None:
    client, user = Client(), owner if page == "/sign-in" else staff
    assert client.post(page, {"username": user.email, "password": PASSWORD}).status_code == 302
    row = Session.objects.get(session_key=client.session.session_key)
    assert timedelta(hours=11) < row.expire_date - timezone.now() <= timedelta(hours=12)

    session = client.session
    session["anything"] = 1
    session.save()

    assert Session.objects.get(session_key=row.session_key).expire_date == row.expire_date
    assert UserSession.objects.get().session_key == row.session_key


def test_sign_out(owner: User) -> None:
    client = Client()
    client.force_login(owner, backend="tenants.backends.EmailBackend")

    assert client.get("/sign-out").status_code == 405
    assert client.post("/sign-out").headers["Location"] == "/sign-in"
    assert client.get("/").headers["Location"] == "/sign-in?next=/"


@pytest.mark.parametrize("checks_tokens", [False, True])
def test_a_page_is_never_used_in_the_name_of_another_account(
    owner: User, member: User, start_form: StartForm, read: Callable[[str], BatchContext], checks_tokens: bool
) -> None:
    """``checks_tokens``: the page's token is that of the earlier session."""
    copy_id = start_form({"mqs_mail_city": "Austin"})
    client = Client(enforce_csrf_checks=checks_tokens)
    client.force_login(owner, backend="tenants.backends.EmailBackend")
    page = client.get(f"/forms/{copy_id}").content.decode()
    (own,) = re.findall(r'"X-Page-Of": "([^"]+)"', page)
    headers = {"HX-Request": "true", "X-Page-Of": own, "X-Copy-Version": "1"}
    client.force_login(member, backend="tenants.backends.EmailBackend")

    saved = client.post(f"/forms/{copy_id}/answers", {"answers": '{"mqs_mail_city": "Dallas"}'}, headers=headers)
    behind = client.get(f"/forms/{copy_id}/parts", headers=headers)

    assert own == str(owner.pk)
    for response in (saved, behind):
        assert response.status_code == 401
        assert response.headers["X-Other-Account"] == "true"
        assert "another account is signed in" in unquote(response.headers["X-Problem"])
    assert read(copy_id).version == 1
    assert client.get(f"/forms/{copy_id}").status_code == 200
