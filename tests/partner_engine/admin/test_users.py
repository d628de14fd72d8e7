"""Users: the role makes staff, and only superusers grant permissions."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import Group, Permission
from django.core import mail
from django.test import Client
from django.urls import reverse
from structlog.testing import capture_logs

from partner_engine.account_mails import send_due_mails
from tenants.access import Role
from tenants.models import AccountMail, Tenant, User
from tests.harness.cast import PASSWORD

STAFF_PERMISSIONS = ("tenants.view_user", "tenants.add_user", "tenants.change_user", "tenants.delete_user")


def change(user: User, **other: str) -> dict[str, str]:
    return {"email": user.email, "full_name": user.full_name, "role": user.role, "is_active": "on", **other}


def test_an_agent_is_added(admin: Client, harbor: Tenant) -> None:
    data = {"email": "New@Harbor.example", "full_name": "Nia New", "role": "agent", "tenant": str(harbor.pk)}
    data |= {"usable_password": "true", "password1": "quiet-lantern-43", "password2": "quiet-lantern-43"}

    answer = admin.post(reverse("admin:tenants_user_add"), data)

    assert answer.status_code == 302, answer.context["errors"]
    user = User.objects.get(email="new@harbor.example")
    assert not user.is_staff
    assert user.check_password("quiet-lantern-43")


def test_an_agent_without_a_tenant_is_refused(admin: Client, owner: User) -> None:
    answer = admin.post(reverse("admin:tenants_user_change", args=(owner.pk,)), change(owner, tenant=""))

    assert answer.status_code == 200
    assert "need a tenant" in str(answer.context["errors"])


def test_the_role_of_staff_opens_the_admin_and_its_loss_closes_it(admin: Client, owner: User, harbor: Tenant) -> None:
    address = reverse("admin:tenants_user_change", args=(owner.pk,))

    admin.post(address, change(owner, role="staff", tenant=""))
    owner.refresh_from_db()
    was_staff = owner.is_staff
    admin.post(address, change(owner, role="agent", tenant=str(harbor.pk), is_superuser="on"))
    owner.refresh_from_db()

    assert was_staff
    assert (owner.is_staff, owner.is_superuser) == (False, False)


def test_only_superusers_grant_permissions(make_staff: Callable[..., Client]) -> None:
    junior = make_staff(*STAFF_PERMISSIONS)
    user = User.objects.get(email="junior@partner-engine.example")

    junior.post(reverse("admin:tenants_user_change", args=(user.pk,)), change(user, is_superuser="on"))

    user.refresh_from_db()
    assert not user.is_superuser


def test_only_superusers_edit_superusers(make_staff: Callable[..., Client], staff: User) -> None:
    junior = make_staff(*STAFF_PERMISSIONS)

    for view, data in (
        ("change", change(staff, email="mine@partner-engine.example")),
        ("delete", {"post": "yes"}),
    ):
        assert junior.post(reverse(f"admin:tenants_user_{view}", args=(staff.pk,)), data).status_code == 403
    password = {"password1": "quiet-lantern-99", "password2": "quiet-lantern-99", "usable_password": "true"}
    answer = junior.post(reverse("admin:auth_user_password_change", args=(staff.pk,)), password)

    assert answer.status_code == 403
    staff.refresh_from_db()
    assert not staff.check_password("quiet-lantern-99")


#: Accounts by what they have: nobody edits one that has more than they.
ABOVE = {
    "agent who reads personal answers": (Role.AGENT, ()),
    "administrator who reveals": (Role.TENANT_ADMIN, ()),
    "staff who reveal": (Role.STAFF, ("copies.reveal_sensitive",)),
    "staff by their group": (Role.STAFF, ("group:copies.erase_sensitive",)),
    "inactive staff": (Role.STAFF, ("copies.reveal_sensitive", "inactive")),
}


def account(harbor: Tenant, role: Role, marks: tuple[str, ...]) -> User:
    tenant = None if role == Role.STAFF else harbor
    user = User.objects.create_user("above@harbor.example", PASSWORD, role=role, tenant=tenant, is_staff=not tenant)
    for mark in marks:
        if mark == "inactive":
            User.objects.filter(pk=user.pk).update(is_active=False)
            continue
        app, _, codename = mark.removeprefix("group:").partition(".")
        permission = Permission.objects.get(content_type__app_label=app, codename=codename)
        if mark.startswith("group:"):
            group = Group.objects.create(name="Erasers")
            group.permissions.add(permission)
            user.groups.add(group)
        else:
            user.user_permissions.add(permission)
    return user


@pytest.mark.parametrize("name", ABOVE)
def test_nobody_edits_an_account_with_more_rights(make_staff: Callable[..., Client], harbor: Tenant, name: str) -> None:
    junior = make_staff(*STAFF_PERMISSIONS, "copies.view_copy")
    user = account(harbor, *ABOVE[name])
    password = {"password1": "quiet-lantern-99", "password2": "quiet-lantern-99", "usable_password": "true"}

    statuses = {
        junior.post(reverse(f"admin:{view}", args=(user.pk,)), data).status_code
        for view, data in (
            ("tenants_user_change", change(user, email="mine@partner-engine.example")),
            ("tenants_user_delete", {"post": "yes"}),
            ("auth_user_password_change", password),
            ("tenants_user_send_invitation", {}),
            ("tenants_user_end_sessions", {}),
        )
    }

    assert statuses == {403}
    user.refresh_from_db()
    assert (user.email, user.check_password(PASSWORD)) == ("above@harbor.example", True)
    assert not AccountMail.objects.exists()


@pytest.mark.parametrize("role", [Role.AGENT, Role.TENANT_ADMIN])
def test_nobody_makes_an_account_with_more_rights(
    make_staff: Callable[..., Client], harbor: Tenant, role: Role
) -> None:
    junior = make_staff(*STAFF_PERMISSIONS)
    data = {"email": "new@harbor.example", "full_name": "Nia New", "role": role, "tenant": str(harbor.pk)}

    response = junior.post(reverse("admin:tenants_user_add"), data | {"usable_password": "false"})

    assert "You cannot give this role" in str(response.context["errors"])
    assert not User.objects.filter(email="new@harbor.example").exists()


def test_staff_with_the_same_rights_edit_an_agent_who_gets_a_mail(
    make_staff: Callable[..., Client], owner: User, demo: object
) -> None:
    junior = make_staff(*STAFF_PERMISSIONS, "copies.view_copy", "copies.read_personal")
    session = Client()
    session.post("/sign-in", {"username": owner.email, "password": PASSWORD})
    password = {"password1": "quiet-lantern-99", "password2": "quiet-lantern-99", "usable_password": "true"}

    with capture_logs() as logs:
        changed = junior.post(reverse("admin:auth_user_password_change", args=(owner.pk,)), password)
        edited = junior.post(
            reverse("admin:tenants_user_change", args=(owner.pk,)),
            change(owner, email="other@harbor.example", tenant=str(owner.tenant_id)),
        )

    assert (changed.status_code, edited.status_code) == (302, 302)
    assert session.get("/").status_code == 302
    assert [line["change"] for line in logs if line["event"] == "audit.account_edited"] == [
        "Your password was set",
        "The email address of your account was changed",
    ]
    send_due_mails("default")
    assert {(sent.to[0], sent.subject) for sent in mail.outbox} == {
        ("owner@harbor.example", "Your password was set"),
        ("owner@harbor.example", "The email address of your account was changed"),
    }


def test_a_new_user_without_a_password_is_invited(admin: Client, harbor: Tenant, demo: object) -> None:
    data = {"email": "new@harbor.example", "full_name": "Nia New", "role": "agent", "tenant": str(harbor.pk)}

    admin.post(reverse("admin:tenants_user_add"), data | {"usable_password": "false"})
    send_due_mails("default")

    [invitation] = mail.outbox
    path = re.search(r"http://testserver(/invitation/\S+)", invitation.body).group(1)  # type: ignore[union-attr]
    client = Client()
    chosen = {"new_password1": "quiet-lantern-43", "new_password2": "quiet-lantern-43"}
    done = client.post(client.get(path)["Location"], chosen)
    assert done["Location"] == "/sign-in?done=invited"
    assert Client().get(path).status_code == 404
    signed_in = Client().post("/sign-in", {"username": "new@harbor.example", "password": "quiet-lantern-43"})
    assert signed_in["Location"] == "/"


def test_staff_end_the_sessions_of_an_agent(admin: Client, owner: User, demo: object) -> None:
    session = Client()
    session.post("/sign-in", {"username": owner.email, "password": PASSWORD})
    assert session.get("/").status_code == 200

    asked = admin.get(reverse("admin:tenants_user_end_sessions", args=(owner.pk,)))
    assert (asked.status_code, session.get("/").status_code) == (200, 200)
    admin.post(reverse("admin:tenants_user_end_sessions", args=(owner.pk,)))

    assert session.get("/").status_code == 302


def test_groups_are_for_superusers(make_staff: Callable[..., Client]) -> None:
    junior = make_staff("auth.add_group", "auth.change_group", "auth.view_group")

    assert junior.get(reverse("admin:auth_group_changelist")).status_code == 200
    assert junior.post(reverse("admin:auth_group_add"), {"name": "Everything"}).status_code == 403


def test_a_locked_out_name_is_unlocked(admin: Client, staff: User, limits_on: None) -> None:
    for _ in range(5):
        Client().post("/admin/login/", {"username": staff.email, "password": "wrong"})
    attempt = AccessAttempt.objects.get()

    shown = admin.get(reverse("admin:axes_accessattempt_changelist")).content.decode()
    admin.post(reverse("admin:axes_accessattempt_delete", args=(attempt.pk,)), {"post": "yes"})

    assert "locked out" in shown
    assert not AccessAttempt.objects.exists()
    assert Client().post("/admin/login/", {"username": staff.email, "password": PASSWORD}).status_code == 302
