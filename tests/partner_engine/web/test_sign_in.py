"""Signing in and out: redirects, wrong passwords, the lock-out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from catalogue.models import Release
from tenants.models import User, UserSession
from tests.harness.cast import PASSWORD


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
