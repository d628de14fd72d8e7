"""Staff see and end their own sessions, and those of users whose accounts they may edit."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from tenants.models import AccountMail, User, UserSession
from tests.harness.cast import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def theirs(owner: User) -> list[Client]:
    """Return two browsers in which the owner has signed in."""
    browsers = [Client(), Client()]
    for browser in browsers:
        assert browser.post("/sign-in", {"username": owner.email, "password": PASSWORD}).status_code == 302
    return browsers


def is_in(browser: Client) -> bool:
    return browser.get("/account").status_code == 200


def test_a_session_of_a_user_is_ended_alone_or_with_all(admin: Client, owner: User, theirs: list[Client]) -> None:
    address = reverse("admin:tenants_user_sessions", args=(owner.pk,))
    page = admin.get(address)
    key = page.context["sessions"][0].key
    stored = [row.session_key for row in UserSession.objects.filter(user=owner)]
    assert len(page.context["sessions"]) == 2 and not any(one in page.content.decode() for one in stored)

    admin.post(address, {"session": key})
    assert sorted(map(is_in, theirs)) == [False, True]
    admin.post(address, {"session": "unknown"})
    assert sorted(map(is_in, theirs)) == [False, True]

    admin.post(address)
    assert not any(map(is_in, theirs))


@pytest.mark.parametrize("permissions", [(), ("tenants.view_user",), ("tenants.change_user",)])
def test_only_staff_who_may_edit_the_account(
    make_staff: Callable[..., Client], owner: User, theirs: list[Client], permissions: tuple[str, ...]
) -> None:
    address = reverse("admin:tenants_user_sessions", args=(owner.pk,))
    browser = make_staff(*permissions)

    assert browser.get(address).status_code == browser.post(address).status_code == 403

    assert all(map(is_in, theirs)) and AccountMail.objects.count() == 0


def test_staff_end_their_own_other_sessions(staff: User) -> None:
    here, there = Client(), Client()
    for browser in (here, there):
        browser.post("/admin/login/", {"username": staff.email, "password": PASSWORD})
    address = reverse("admin:sessions")

    page = here.get(address)
    assert "this browser" in page.content.decode() and len(page.context["sessions"]) == 2
    here.post(address)

    assert here.get(address).status_code == 200 and there.get(address).status_code == 302
