"""Users: the role makes staff, and only superusers grant permissions."""

from __future__ import annotations

from collections.abc import Callable

from axes.models import AccessAttempt
from django.test import Client
from django.urls import reverse

from tenants.models import Tenant, User
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
