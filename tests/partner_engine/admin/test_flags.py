"""The page of a flag: who gets it and why, and the history of its changes."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse

from tenants.flag_memory import FlagMemory
from tenants.flag_rules import FlagState
from tenants.models import ApiClient, Flag, Tenant, User


def save(admin: Client, flag: Flag, **values: object) -> None:
    data = {"is_on": "on", "percent": "0", "everyone": "unknown", "note": "", **values}
    response = admin.post(reverse("admin:tenants_flag_change", args=(flag.pk,)), data)
    assert response.status_code == 302, response.context["adminform"].form.errors


def test_a_change_is_in_force_and_in_the_history(
    admin: Client, stored_flags: FlagMemory, harbor: Tenant, owner: User, member: User
) -> None:
    flag = Flag.objects.create(name="copies")

    save(admin, flag, tenants=[str(harbor.pk)], denied_users=[str(member.pk)], percent="25")

    assert stored_flags.find("copies") == flag.state()
    assert (bool(flag.explain(owner)), bool(flag.explain(member))) == (True, False)
    history = admin.get(reverse("admin:tenants_flag_history", args=(flag.pk,))).content.decode()
    assert f"denied users: added {member.pk}; tenants: added {harbor.pk}; percent: 0.00 to 25.00" in history

    save(admin, flag, tenants=[], is_on="", everyone="true")

    assert stored_flags.find("copies") == FlagState(name="copies", is_on=False, everyone=True, percent=flag.percent)
    history = admin.get(reverse("admin:tenants_flag_history", args=(flag.pk,))).content.decode()
    assert "switched on: yes to no" in history and f"tenants: removed {harbor.pk}" in history


def test_who_gets_it(admin: Client, harbor: Tenant, owner: User, member: User, harbor_client: ApiClient) -> None:
    flag = Flag.objects.create(name="copies")
    flag.users.add(owner)
    address = reverse("admin:tenants_flag_audience", args=(flag.pk,))

    page = admin.get(address).content.decode()
    assert "1 of 2" in page and "0 of 1" in page and "allow list (1)" in page

    answers = {
        who: admin.get(address, {"who": who}).content.decode()
        for who in (owner.email.upper(), member.email, harbor_client.client_id, "nobody@nowhere.example")
    }
    texts = ("On: on the allow list.", "Off: no rule turns it on.", "Off: no rule turns it on.", "There is no user")
    for page, text in zip(answers.values(), texts, strict=True):
        assert text in page
    listed = admin.get(reverse("admin:tenants_flag_changelist")).content.decode()
    assert "1 allowed" in listed and "Make new copies of application forms" in listed
