"""Tenant administrators invite colleagues, change roles and switch accounts off: at their own agency alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice
from structlog.testing import capture_logs

from partner_engine.account_erasure import erase_account
from tenants.access import Role, system_actor
from tenants.models import AccountMail, Tenant, User

pytestmark = pytest.mark.django_db

PAGE, ORDER = "/settings/colleagues", "/settings/colleagues/order"
NEW = {"order": "invite", "email": "New@Harbor.example", "full_name": " Nora \n New ", "role": "agent"}


@pytest.fixture
def page(owner: User, sign_in: Callable[[User], Client]) -> Client:
    """Return the browser of harbor's administrator."""
    owner.role = Role.TENANT_ADMIN
    owner.save()
    return sign_in(owner)


def mails() -> list[tuple[str, str]]:
    return list(AccountMail.objects.order_by("created_at").values_list("kind", "email"))


def test_the_list_has_every_account_of_the_agency_and_no_other(
    page: Client, member: User, stranger: User, owner: User
) -> None:
    TOTPDevice.objects.create(user=member, name="app", confirmed=True)

    shown = page.get(PAGE).content.decode()

    assert owner.email in shown and member.email in shown and stranger.email not in shown
    assert shown.count('value="off"') == 1  # not for oneself


def test_a_colleague_is_invited_and_invited_again(page: Client, harbor: Tenant) -> None:
    with capture_logs() as logs:
        response = page.post(ORDER, NEW)

    assert response["Location"] == f"{PAGE}?done=invited"
    user = User.objects.get(email="new@harbor.example")
    assert (user.full_name, user.role, user.tenant, user.has_usable_password()) == ("Nora New", "agent", harbor, False)
    assert mails() == [("invitation", "new@harbor.example")]
    assert any(entry["event"] == "audit.account_edited" for entry in logs)
    assert "Invite again" in page.get(PAGE).content.decode()
    assert page.post(ORDER, {"order": "again", "user": user.pk})["Location"] == f"{PAGE}?done=again"
    assert len(mails()) == 2


def test_nobodys_mailbox_is_filled(page: Client, limits_on: None) -> None:
    page.post(ORDER, NEW)
    user = User.objects.get(email="new@harbor.example").pk
    statuses = [page.post(ORDER, {"order": "again", "user": user}).status_code for _ in range(3)]

    assert statuses == [302, 302, 429] and len(mails()) == 3
    others = [page.post(ORDER, {**NEW, "email": f"n{n}@harbor.example"}).status_code for n in range(18)]
    assert others == [302] * 17 + [429] and len(mails()) == 20
    assert not User.objects.filter(email="n17@harbor.example").exists()


@pytest.mark.parametrize(
    ("fields", "status", "says"),
    [
        ({"email": "nobody"}, 422, "Enter an email address."),
        ({"email": "nora@hárbor.example", "full_name": ""}, 422, "Enter the name"),
        ({"role": "staff"}, 422, "Choose a role."),
        ({"email": "MEMBER@harbor.example"}, 409, "cannot be invited"),
        ({"email": "stranger@summit.example"}, 409, "cannot be invited"),
    ],
)
def test_a_faulty_invitation_adds_nothing(
    page: Client, member: User, stranger: User, fields: dict[str, str], status: int, says: str
) -> None:
    User.objects.filter(pk=stranger.pk).update(email="stranger@summit.example")
    User.objects.filter(pk=member.pk).update(email="member@harbor.example")
    before = User.objects.count()

    response = page.post(ORDER, {**NEW, **fields})

    assert (response.status_code, says in response.content.decode()) == (status, True)
    assert (User.objects.count(), mails()) == (before, [])


def test_a_role_is_changed_and_an_account_switched_off_and_on(
    page: Client, member: User, sign_in: Callable[[User], Client]
) -> None:
    theirs = sign_in(member)
    page.post(ORDER, {"order": "role", "user": member.pk, "role": "tenant_admin"})
    again = page.post(ORDER, {"order": "role", "user": member.pk, "role": "tenant_admin"})
    assert again["Location"] == f"{PAGE}?done=same"
    member.refresh_from_db()
    assert member.role == "tenant_admin" and theirs.get("/account").status_code == 302

    member.refresh_from_db()
    theirs = sign_in(member)
    page.post(ORDER, {"order": "off", "user": member.pk})
    member.refresh_from_db()
    assert not member.is_active and theirs.get("/account").status_code == 302
    assert page.post(ORDER, {"order": "again", "user": member.pk}).status_code == 409

    page.post(ORDER, {"order": "on", "user": member.pk})
    member.refresh_from_db()
    assert member.is_active
    assert [kind for kind, _ in mails()] == ["changed"] * 3


@pytest.mark.parametrize("order", ["again", "role", "off", "on"])
@pytest.mark.parametrize(("who", "status"), [("stranger", 404), ("owner", 409), ("nobody", 404)])
def test_nobody_changes_other_agencies_or_oneself(
    page: Client, owner: User, stranger: User, order: str, who: str, status: int
) -> None:
    user = {"stranger": stranger.pk, "owner": owner.pk, "nobody": "x"}[who]

    response = page.post(ORDER, {"order": order, "user": user, "role": "agent"})

    assert response.status_code == status and mails() == []
    owner.refresh_from_db()
    stranger.refresh_from_db()
    assert owner.is_active and owner.role == "tenant_admin" and stranger.is_active


def test_agents_have_no_such_page(member: User, sign_in: Callable[[User], Client]) -> None:
    browser = sign_in(member)

    assert browser.get(PAGE).status_code == browser.post(ORDER, NEW).status_code == 403
    assert PAGE not in browser.get("/account").content.decode()
    assert not User.objects.filter(email="new@harbor.example").exists()


def test_an_erased_account_is_gone(page: Client, member: User) -> None:
    erase_account(member, actor=system_actor("erase_account"))

    assert "Former user" not in page.get(PAGE).content.decode()
    assert page.post(ORDER, {"order": "on", "user": member.pk}).status_code == 404
    member.refresh_from_db()
    assert not member.is_active
