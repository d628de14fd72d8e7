"""A guest has access to the one copy of their link only, while it is valid."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import pytest
from django.test import Client

from catalogue.demo import Sample
from tenants.current_tenant import NoTenant, current_tenant
from tenants.models import Tenant, User
from tests.harness.api_client import V1, Api, assert_problem
from tests.harness.guests import guest_of, let_expire, revoke
from tests.harness.page_addresses import addresses_of_admin, names_of
from tests.harness.stored_versions import version_of
from tests.partner_engine.api.test_routes import ROWS, start
from tests.security.test_isolation import GUEST_PAGES, OPEN, PAGES, ask, ask_as_guest

pytestmark = pytest.mark.django_db

SignIn = Callable[[User], Client]


def everybodys(client: Client) -> Client:
    """Return ``client`` with its cookies good for every address, as no browser would send them."""
    for morsel in client.cookies.values():
        morsel["path"] = "/"
    return client


def anew(client: Client) -> Client:
    """Return a new client with the cookies of ``client``, which loses them by a refusal."""
    again = Client()
    again.cookies = deepcopy(client.cookies)
    return again


def a_guest_of_another_form(api: Api, foreigner: Api, sample: Sample, copy_id: str) -> Client:
    return guest_of(Tenant.objects.get(code="harbor"), api.start(sample)["id"])[0]


def a_guest_of_another_tenant(api: Api, foreigner: Api, sample: Sample, copy_id: str) -> Client:
    return guest_of(Tenant.objects.get(code="summit"), foreigner.start(sample)["id"])[0]


def a_guest_whose_link_was_revoked(api: Api, foreigner: Api, sample: Sample, copy_id: str) -> Client:
    harbor = Tenant.objects.get(code="harbor")
    client, link_id = guest_of(harbor, copy_id)
    revoke(harbor, copy_id, link_id)
    return client


def a_guest_whose_link_is_over(api: Api, foreigner: Api, sample: Sample, copy_id: str) -> Client:
    harbor = Tenant.objects.get(code="harbor")
    client, link_id = guest_of(harbor, copy_id)
    let_expire(harbor, link_id)
    return client


def nobody(api: Api, foreigner: Api, sample: Sample, copy_id: str) -> Client:
    return Client()


class TestGuests:
    """A guest has access only to the one copy of their link, while it is valid."""

    def test_every_address_has_a_row(self) -> None:
        assert set(names_of("guest")) == set(GUEST_PAGES)

    @pytest.mark.parametrize(
        "outsider",
        [
            nobody,
            a_guest_of_another_form,
            a_guest_of_another_tenant,
            a_guest_whose_link_was_revoked,
            a_guest_whose_link_is_over,
        ],
    )
    def test_outsiders_are_refused_everywhere(
        self, outsider: Callable[..., Client], subtests: pytest.Subtests, api: Api, foreigner: Api, s1: Sample
    ) -> None:
        identity = api.start(s1)["id"]
        client = everybodys(outsider(api, foreigner, s1, identity))
        copy = api.get(f"/copies/{identity}").json()

        for name in sorted(set(GUEST_PAGES) - {"open"}):
            with subtests.test(name):
                asking = anew(client)
                page = ask_as_guest(asking, name, identity)
                part = ask_as_guest(asking, name, identity, **{"HX-Request": "true"})

                assert (page.status_code, page["Location"]) == (302, f"/guest/{identity}")
                assert (part.status_code, part.content) == (401, b"")
                assert version_of(identity) == copy["version"]
        assert api.get(f"/copies/{identity}").json() == copy

    @pytest.mark.parametrize("who", ["owner", "stranger", "staff"])
    def test_a_session_of_agents_or_staff_is_not_a_guests(
        self,
        who: str,
        subtests: pytest.Subtests,
        api: Api,
        s1: Sample,
        request: pytest.FixtureRequest,
        sign_in: SignIn,
    ) -> None:
        copy, user = api.start(s1), request.getfixturevalue(who)

        for name in sorted(set(GUEST_PAGES) - {"open"}):
            with subtests.test(name):
                page = ask_as_guest(sign_in(user), name, copy["id"])

                assert (page.status_code, page["Location"]) == (302, f"/guest/{copy['id']}")
                assert api.get(f"/copies/{copy['id']}").json() == copy

    @pytest.mark.parametrize("name", sorted(GUEST_PAGES))
    def test_ones_own_copy_is_served(self, name: str, api: Api, s1: Sample, harbor: Tenant) -> None:
        copy = api.start(s1)
        client, _ = guest_of(harbor, copy["id"])

        response = ask_as_guest(client, name, copy["id"], **{"HX-Request": "true"})

        # The row's address names no row; ``done`` responds without content; the entry redirects to the form.
        assert response.status_code == {"row": 404, "done": 204, "open": 302}.get(name, 200)

    @pytest.mark.parametrize("name", [name for name in GUEST_PAGES if GUEST_PAGES[name][0] == "POST"])
    def test_a_write_needs_the_token_of_its_page(self, name: str, api: Api, s1: Sample, harbor: Tenant) -> None:
        identity = api.start(s1)["id"]
        client, _ = guest_of(harbor, identity)
        client.handler.enforce_csrf_checks = True
        copy = api.get(f"/copies/{identity}").json()

        assert ask_as_guest(client, name, identity).status_code == 403
        assert api.get(f"/copies/{identity}").json() == copy

    def test_agents_pages_are_closed(self, subtests: pytest.Subtests, api: Api, s1: Sample, harbor: Tenant) -> None:
        identity = api.start(s1)["id"]
        guest = everybodys(guest_of(harbor, identity)[0])
        copy = api.get(f"/copies/{identity}").json()

        for name in sorted(set(PAGES) - OPEN):
            with subtests.test(name):
                response = ask(anew(guest), name, identity)

                assert (response.status_code, response["Location"].partition("?")[0]) == (302, "/sign-in")
                assert version_of(identity) == copy["version"]
        assert api.get(f"/copies/{identity}").json() == copy

    def test_the_api_is_closed(self, subtests: pytest.Subtests, api: Api, s1: Sample, harbor: Tenant) -> None:
        identity = start(api, s1)["id"]
        guest = everybodys(guest_of(harbor, identity)[0])
        copy = api.get(f"/copies/{identity}").json()

        for row in ROWS:
            with subtests.test(str(row)):
                client, path = anew(guest), f"{V1}/{row.path(identity)}"

                assert_problem(client.generic(row.method, path, row.body, "application/json"), 401, "not_authenticated")
                assert version_of(identity) == copy["version"]
        assert api.get(f"/copies/{identity}").json() == copy

    def test_the_admin_is_closed(self, api: Api, s1: Sample, harbor: Tenant) -> None:
        client = everybodys(guest_of(harbor, api.start(s1)["id"])[0])

        for address in addresses_of_admin():
            for response in (client.get(address), client.post(address)):
                assert response.status_code in (302, 403, 404, 405), address
                assert response.status_code != 302 or response["Location"].startswith("/admin/login/"), address

    def test_a_scope_ends_with_its_request(self, api: Api, s1: Sample, harbor: Tenant) -> None:
        copy = api.start(s1)
        client, _ = guest_of(harbor, copy["id"])
        client.get(f"/guest/{copy['id']}/form")

        with pytest.raises(NoTenant):
            current_tenant()
