"""The admin is closed to agents, staff who chose a tenant see no other, and probes show neither tenants nor forms."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from catalogue.demo import Sample
from catalogue.models import Release
from partner_engine.tenant_middleware import CHOSEN_TENANT
from tenants.models import Tenant, User
from tests.harness.api_client import Api
from tests.harness.cast import SECOND_DATABASE
from tests.harness.page_addresses import addresses_of_admin

pytestmark = pytest.mark.django_db

SignIn = Callable[[User], Client]


class TestAdmin:
    def test_agents_are_refused_everywhere(self, demo: Release, owner: User, sign_in: SignIn) -> None:
        client, addresses = sign_in(owner), list(addresses_of_admin())

        answers = {address: [client.get(address), client.post(address)] for address in addresses}

        assert len(answers) > 30
        for address, found in answers.items():
            for response in found:
                assert response.status_code in (302, 403, 404, 405), address
                assert response.status_code != 302 or response["Location"].startswith("/admin/login/"), address

    def test_staff_who_chose_a_tenant_see_no_other(
        self, api: Api, foreigner: Api, s1: Sample, harbor: Tenant, staff: User, sign_in: SignIn
    ) -> None:
        mine, theirs = api.start(s1), foreigner.start(s1)
        client = sign_in(staff)
        session = client.session
        session[CHOSEN_TENANT] = str(harbor.id)
        session.save()

        assert client.get(reverse("admin:copies_copy_change", args=[mine["id"]])).status_code == 200
        for name in ("admin:copies_copy_changelist", "admin:forms_applicationform_changelist"):
            shown = client.get(reverse(name)).content.decode()
            assert mine["id"] in shown, name
            assert theirs["id"] not in shown, name
        for name in ("admin:copies_copy_change", "admin:forms_applicationform_change"):
            assert client.get(reverse(name, args=[theirs["id"]])).status_code in (302, 404), name


@pytest.mark.django_db(databases=["default", SECOND_DATABASE])
@pytest.mark.parametrize("address", ["/metrics", "/healthz", "/readyz"])
def test_probes_show_no_tenant_and_no_form(address: str, api: Api, s1: Sample, harbor: Tenant, owner: User) -> None:
    copy = api.start(s1)
    api.get(f"/copies/{copy['id']}")

    response = Client().get(address)

    assert response.status_code == 200
    shown = response.content.decode().lower()
    for private in (copy["id"], str(harbor.id), owner.email, "harbor"):
        assert private not in shown, private
