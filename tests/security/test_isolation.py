"""Data of one tenant is not reachable for another: by pages, admin, rows, cursors, keys, probes, or on a busy server.

The API's own addresses are walked in ``tests/partner_engine/api/test_routes.py``.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from catalogue.demo import Sample
from catalogue.models import Release
from partner_engine.tenant_middleware import CHOSEN_TENANT
from tenants.access import Role
from tenants.current_tenant import NoTenant, current_tenant
from tenants.models import ApiClient, Tenant, User
from tests.harness.api_client import NOBODY, V1, Api, assert_problem
from tests.harness.cast import SECOND_DATABASE
from tests.harness.guests import guest_of, let_expire, revoke
from tests.partner_engine.api.test_routes import OF_ONE, ROWS, Row, start, webhooks_of

pytestmark = pytest.mark.django_db

SignIn = Callable[[User], Client]

#: Every address of the agents' pages: its name -> (method, fields), and whether it is of one copy.
PAGES: dict[str, tuple[str, dict[str, str], bool]] = {
    "sign-in": ("GET", {}, False),
    "sign-in-code": ("GET", {}, False),
    "sign-out": ("POST", {}, False),
    "end-view": ("POST", {}, False),
    "forgot-password": ("POST", {"email": "owner@harbor.example"}, False),
    "set-password": ("POST", {"new_password1": "taken-over-43", "new_password2": "taken-over-43"}, False),
    "accept-invitation": ("POST", {"new_password1": "taken-over-43", "new_password2": "taken-over-43"}, False),
    "account": ("GET", {}, False),
    "order-account": ("POST", {"order": "name", "full_name": "Taken over"}, False),
    "forms": ("GET", {}, False),
    "new-form": ("GET", {}, False),
    "first-answers": ("POST", {"answers": '{"mqs_business_name": "A form"}', "key": "0" * 32}, False),
    "new-form-answers": ("POST", {"answers": '{"mqs_business_name": "Taken over"}'}, True),
    "new-form-parts": ("GET", {}, True),
    "palette": ("GET", {"q": "legal"}, False),
    "start-from": ("GET", {}, False),
    "new-industries": ("GET", {"q": "plumber", "for": "x"}, False),
    "copy": ("GET", {}, True),
    "peek": ("GET", {}, True),
    "delete-forms": ("POST", {"copy": NOBODY}, False),
    "restore-forms": ("POST", {"copy": NOBODY}, False),
    "delete-form": ("POST", {}, True),
    "restore-form": ("POST", {}, True),
    "answers": ("POST", {"answers": '{"mqs_business_name": "Taken over"}'}, True),
    "rows": ("POST", {"order": "add", "path": "locations"}, True),
    "row": ("GET", {"path": "locations"}, True),
    "paste": (
        "POST",
        {"path": "owners", "text": "Taken over", "step": "save", "named": "0", "column-0": "mqs_own_name"},
        True,
    ),
    "parts": ("GET", {}, True),
    "tabs": ("GET", {}, True),
    "new-copy": ("POST", {"title": "Taken over"}, True),
    "order-copy": ("POST", {"order": "rename", "title": "Taken over"}, True),
    "clone": ("POST", {"clone": "0" * 32}, True),
    "messages": ("POST", {"order": "post", "text": "Taken over"}, True),
    "why": ("GET", {"target": "QM-BOP"}, True),
    "ways-back": ("GET", {}, True),
    "compare": ("GET", {}, True),
    "compare-csv": ("GET", {}, True),
    "preview-merge": ("POST", {"with": NOBODY, "version": "1", "source_version": "1"}, True),
    "merge": ("POST", {"with": NOBODY, "version": "1", "source_version": "1"}, True),
    "undo-merge": ("POST", {"with": NOBODY, "version": "1"}, True),
    "history": ("GET", {}, True),
    "version": ("GET", {}, True),
    "restore": ("POST", {"version": "1"}, True),
    "bind": ("GET", {}, True),
    "bind-answers": ("POST", {"answers": '{"mqs_business_name": "Taken over"}'}, True),
    "bind-parts": ("GET", {}, True),
    "bind-order": ("POST", {"order": "help"}, True),
    "quotes": ("GET", {}, True),
    "order-quotes": ("POST", {"order": "request", "products": "QM-BOP"}, True),
    "quote": ("GET", {}, True),
    "answer-quote": ("POST", {"status": "declined", "reasons": "Taken over"}, True),
    "questions": ("GET", {}, True),
    "question-why": ("GET", {"path": "mqs_legal_entity"}, True),
    "print": ("GET", {}, True),
    "declines": ("GET", {}, True),
    "export-declines": ("POST", {}, True),
    "proposal": ("GET", {}, True),
    "issue-proposal": ("POST", {"days": "14"}, True),
    "revoke-proposal": ("POST", {}, True),
    "all-quotes": ("GET", {}, False),
    "guest-links": ("GET", {}, True),
    "issue-guest-link": ("POST", {"name": "Gus"}, True),
    "revoke-guest-link": ("POST", {}, True),
    "send-back-guest-link": ("POST", {"open": "mqs_business_name"}, True),
    "industries": ("GET", {"q": "restaurant"}, True),
    "operations": ("GET", {}, False),
    "new-operation": ("POST", {"kind": "archive", "step": "run"}, False),
    "new-operation-fields": ("GET", {}, False),
    "operation": ("GET", {}, False),
    "operation-effects": ("GET", {}, False),
    "operation-effects-file": ("GET", {}, False),
    "order-operation": ("POST", {"order": "undo"}, False),
    "operation-results": ("GET", {}, False),
    "operation-failed": ("GET", {}, False),
    "operation-corrected": ("POST", {}, False),
    "import-forms": ("POST", {"step": "run"}, False),
    "agency": ("POST", {"name": "Taken over"}, False),
    "webhooks": ("GET", {}, False),
    "add-webhook": ("POST", {"url": "https://hooks.example.com/", "event_types": "*"}, False),
    "webhook": ("GET", {}, False),
    "order-webhook": ("POST", {"order": "remove"}, False),
}
#: Every address of guests' pages likewise; all are of one copy.
GUEST_PAGES: dict[str, tuple[str, dict[str, str]]] = {
    "open": ("GET", {}),
    "copy": ("GET", {}),
    "answers": ("POST", {"answers": '{"mqs_business_name": "Taken over"}'}),
    "rows": ("POST", {"order": "add", "path": "locations"}),
    "row": ("GET", {"path": "locations"}),
    "parts": ("GET", {}),
    "industries": ("GET", {"q": "restaurant"}),
    "done": ("POST", {}),
}
#: Addresses of one webhook endpoint; ``start`` gives it the copy's id.
OF_ONE_ENDPOINT = {"webhook", "order-webhook"}
#: Addresses of one operation; ``tests/partner_engine/web/test_operations.py`` asks for those of another tenant.
OF_ONE_OPERATION = {
    "operation",
    "operation-effects",
    "operation-effects-file",
    "order-operation",
    "operation-results",
    "operation-failed",
    "operation-corrected",
}
#: Addresses with the id of a record below that of the copy; ``start`` gives a quote the copy's id.
WITH_SECOND_ID = {
    "revoke-guest-link",
    "send-back-guest-link",
    "bind",
    "bind-answers",
    "bind-parts",
    "bind-order",
    "quote",
    "answer-quote",
    "revoke-proposal",
}
WEBHOOKS = ["webhooks", "add-webhook", *sorted(OF_ONE_ENDPOINT)]
OF_ONE_COPY = [name for name, (_, _, is_of_one) in PAGES.items() if is_of_one]
OPEN = {"sign-in", "sign-in-code", "sign-out", "end-view", "forgot-password", "set-password", "accept-invitation"}


def ask(client: Client, name: str, copy_id: str, **headers: str) -> HttpResponse:
    """Ask for the page ``name``."""
    method, fields, is_of_one = PAGES[name]
    args = [copy_id] if is_of_one or name in OF_ONE_ENDPOINT | OF_ONE_OPERATION else []
    args = [NOBODY, "no-token"] if name in {"set-password", "accept-invitation"} else args
    more = [1] if name == "version" else [copy_id] if name in WITH_SECOND_ID else []
    address = reverse(f"web:{name}", args=[*args, *more])
    return getattr(client, method.lower())(address, fields, headers=headers)


class TestPages:
    def test_every_address_has_a_row(self) -> None:
        [pages] = [
            found
            for found in get_resolver().url_patterns
            if isinstance(found, URLResolver) and found.namespace == "web"
        ]

        assert {found.name for found in pages.url_patterns if isinstance(found, URLPattern)} == set(PAGES)

    @pytest.mark.parametrize("name", OF_ONE_COPY)
    @pytest.mark.parametrize("is_part", [True, False])
    def test_an_agent_of_another_tenant_finds_nothing(
        self, name: str, is_part: bool, api: Api, s1: Sample, stranger: User, sign_in: SignIn
    ) -> None:
        copy = api.start(s1)

        response = ask(sign_in(stranger), name, copy["id"], **({"HX-Request": "true"} if is_part else {}))

        assert response.status_code == 404
        assert "Copper Kettle" not in response.content.decode()
        assert api.get(f"/copies/{copy['id']}").json() == copy

    @pytest.mark.parametrize("name", sorted(OF_ONE_ENDPOINT))
    def test_an_administrator_of_another_tenant_finds_no_webhook(
        self, name: str, api: Api, s1: Sample, stranger: User, sign_in: SignIn
    ) -> None:
        copy = start(api, s1)
        stranger.role = Role.TENANT_ADMIN
        stranger.save()

        response = ask(sign_in(stranger), name, copy["id"])

        assert response.status_code == 404
        assert "hooks.example.com" not in response.content.decode()
        assert [str(found["id"]) for found in webhooks_of("harbor")] == [copy["id"]]

    @pytest.mark.parametrize("name", WEBHOOKS)
    def test_agents_manage_no_webhooks(self, name: str, api: Api, s1: Sample, owner: User, sign_in: SignIn) -> None:
        copy = start(api, s1)

        response = ask(sign_in(owner), name, copy["id"])

        assert response.status_code == 403
        assert "hooks.example.com" not in response.content.decode()
        assert [str(found["id"]) for found in webhooks_of("harbor")] == [copy["id"]]

    @pytest.mark.parametrize("name", sorted(set(PAGES) - OPEN))
    def test_anonymous_callers_are_refused(self, name: str, api: Api, s1: Sample) -> None:
        copy = api.start(s1)

        page, part = ask(Client(), name, copy["id"]), ask(Client(), name, copy["id"], **{"HX-Request": "true"})

        assert (page.status_code, page["Location"].partition("?")[0]) == (302, "/sign-in")
        assert (part.status_code, part.content) == (401, b"")
        assert api.get(f"/copies/{copy['id']}").json() == copy

    @pytest.mark.parametrize("name", sorted(set(PAGES) - OPEN))
    def test_staff_are_sent_to_the_admin(self, name: str, api: Api, s1: Sample, staff: User, sign_in: SignIn) -> None:
        copy = api.start(s1)

        response = ask(sign_in(staff), name, copy["id"])

        assert (response.status_code, response["Location"]) == (302, reverse("admin:index"))

    @pytest.mark.parametrize("name", [name for name in PAGES if PAGES[name][0] == "POST"])
    def test_a_write_needs_the_token_of_its_page(self, name: str, api: Api, s1: Sample, owner: User) -> None:
        copy = api.start(s1)
        client = Client(enforce_csrf_checks=True)
        client.force_login(owner, backend="tenants.backends.EmailBackend")

        response = ask(client, name, copy["id"])

        assert response.status_code == 403
        assert api.get(f"/copies/{copy['id']}").json() == copy

    def test_lists_and_searches_show_only_own_forms(
        self, api: Api, foreigner: Api, s1: Sample, stranger: User, sign_in: SignIn
    ) -> None:
        mine, theirs = api.start(s1), foreigner.start(s1)

        shown = sign_in(stranger).get("/", {"q": "Copper"}).content.decode()

        assert theirs["id"] in shown
        assert mine["id"] not in shown


def ask_as_guest(client: Client, name: str, copy_id: str, **headers: str) -> HttpResponse:
    """Ask for the guest's page ``name`` of a copy."""
    method, fields = GUEST_PAGES[name]
    return getattr(client, method.lower())(reverse(f"guest:{name}", args=[copy_id]), fields, headers=headers)


def everybodys(client: Client) -> Client:
    """Return ``client`` with its cookies good for every address, as no browser would send them."""
    for morsel in client.cookies.values():
        morsel["path"] = "/"
    return client


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
        [pages] = [
            found
            for found in get_resolver().url_patterns
            if isinstance(found, URLResolver) and found.namespace == "guest"
        ]

        assert {found.name for found in pages.url_patterns if isinstance(found, URLPattern)} == set(GUEST_PAGES)

    @pytest.mark.parametrize("name", sorted(set(GUEST_PAGES) - {"open"}))
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
        self, outsider: Callable[..., Client], name: str, api: Api, foreigner: Api, s1: Sample
    ) -> None:
        identity = api.start(s1)["id"]
        client = everybodys(outsider(api, foreigner, s1, identity))
        copy = api.get(f"/copies/{identity}").json()

        page = ask_as_guest(client, name, identity)
        part = ask_as_guest(client, name, identity, **{"HX-Request": "true"})

        assert (page.status_code, page["Location"]) == (302, f"/guest/{identity}")
        assert (part.status_code, part.content) == (401, b"")
        assert api.get(f"/copies/{identity}").json() == copy

    @pytest.mark.parametrize("name", sorted(set(GUEST_PAGES) - {"open"}))
    @pytest.mark.parametrize("who", ["owner", "stranger", "staff"])
    def test_a_session_of_agents_or_staff_is_not_a_guests(
        self, name: str, who: str, api: Api, s1: Sample, request: pytest.FixtureRequest, sign_in: SignIn
    ) -> None:
        copy = api.start(s1)

        page = ask_as_guest(sign_in(request.getfixturevalue(who)), name, copy["id"])

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

    @pytest.mark.parametrize("name", sorted(set(PAGES) - OPEN))
    def test_agents_pages_are_closed(self, name: str, api: Api, s1: Sample, harbor: Tenant) -> None:
        identity = api.start(s1)["id"]
        client = everybodys(guest_of(harbor, identity)[0])
        copy = api.get(f"/copies/{identity}").json()

        response = ask(client, name, identity)

        assert (response.status_code, response["Location"].partition("?")[0]) == (302, "/sign-in")
        assert api.get(f"/copies/{identity}").json() == copy

    @pytest.mark.parametrize("row", ROWS, ids=str)
    def test_the_api_is_closed(self, row: Row, api: Api, s1: Sample, harbor: Tenant) -> None:
        identity = start(api, s1)["id"]
        client = everybodys(guest_of(harbor, identity)[0])
        copy = api.get(f"/copies/{identity}").json()

        response = client.generic(row.method, f"{V1}/{row.path(identity)}", row.body, "application/json")

        assert_problem(response, 401, "not_authenticated")
        assert api.get(f"/copies/{identity}").json() == copy

    def test_the_admin_is_closed(self, api: Api, s1: Sample, harbor: Tenant) -> None:
        client = everybodys(guest_of(harbor, api.start(s1)["id"])[0])

        for address in admin_addresses():
            for response in (client.get(address), client.post(address)):
                assert response.status_code in (302, 403, 404, 405), address
                assert response.status_code != 302 or response["Location"].startswith("/admin/login/"), address

    def test_a_scope_ends_with_its_request(self, api: Api, s1: Sample, harbor: Tenant) -> None:
        copy = api.start(s1)
        client, _ = guest_of(harbor, copy["id"])
        client.get(f"/guest/{copy['id']}/form")

        with pytest.raises(NoTenant):
            current_tenant()


@pytest.mark.parametrize("row", OF_ONE, ids=str)
def test_a_session_finds_nothing_of_another_tenant_in_the_api(
    row: Row, api: Api, s1: Sample, stranger: User, sign_in: SignIn
) -> None:
    copy = start(api, s1)

    response = sign_in(stranger).generic(row.method, f"{V1}/{row.path(copy['id'])}", row.body, "application/json")

    assert response.status_code in (403, 404)
    assert response.status_code == 404 or str(row.right) in response.json()["detail"]
    assert api.get(f"/copies/{copy['id']}").json() == copy


class TestForeignParts:
    """Requests for the caller's own copy with parts of another tenant's."""

    @pytest.fixture
    def pair(self, api: Api, foreigner: Api, s1: Sample) -> tuple[dict[str, Any], dict[str, Any]]:
        return api.start(s1), foreigner.start(s1)

    @pytest.mark.parametrize("change", [{"answers": {"mqs_loc_state": "OH"}}, {"delete": True}])
    def test_rows(self, change: dict[str, Any], pair: Any, api: Api, foreigner: Api) -> None:
        mine, theirs = pair
        row = theirs["answer_pools"]["locations"][0]["id"]
        body = {"answers": {"mqs_annual_revenue": 9}, "answer_pools": {"locations": [{"id": row, **change}]}}

        problem = assert_problem(api.patch(f"/copies/{mine['id']}/answers", body), 422, "invalid_answers")

        assert [fault["code"] for fault in problem["errors"]] == ["unknown_row"]
        assert api.get(f"/copies/{mine['id']}").json() == mine
        assert foreigner.get(f"/copies/{theirs['id']}").json() == theirs

    def test_the_source_of_a_copy(self, pair: Any, api: Api) -> None:
        mine, theirs = pair

        refused = [
            api.post(f"/application_forms/{mine['id']}/copies", {"from_copy": source})
            for source in (theirs["id"], "01935ad0-1f7e-7c32-9d3e-5f0a6d1c2b10")
        ]

        # The response does not reveal which of them exists.
        assert [response.status_code for response in refused] == [422, 422]
        assert refused[0].json()["errors"] == refused[1].json()["errors"]

    def test_explanations(self, pair: Any, api: Api) -> None:
        mine, theirs = pair
        row = theirs["answer_pools"]["locations"][0]["id"]

        response = api.get(f"/copies/{mine['id']}/explain?target=question:locations/{row}/mqs_loc_state")

        assert_problem(response, 422, "unknown_target")

    def test_a_cursor(self, pair: Any, api: Api, foreigner: Api, s1: Sample) -> None:
        mine, _ = pair
        foreigner.start(s1)
        following = foreigner.get("/application_forms?limit=1").json()["next"]

        found = api.get(following.removeprefix(V1)).json()["results"]

        assert {form["id"] for form in found} <= {mine["id"]}

    def test_an_owner(self, pair: Any, api: Api, stranger: User) -> None:
        assert api.get(f"/application_forms?owner={stranger.id}").json()["results"] == []

    def test_a_key(self, api: Api, foreigner: Api, s1: Sample) -> None:
        mine, theirs = api.start(s1, Idempotency_Key="same"), foreigner.start(s1, Idempotency_Key="same")

        assert mine["id"] != theirs["id"]
        assert_problem(foreigner.get(f"/copies/{mine['id']}"), 404, "not_found")

    def test_a_row_put_back_from_a_strangers_version(self, pair: Any, api: Api, owner: User, sign_in: SignIn) -> None:
        mine, theirs = pair
        path = f"locations/{theirs['answer_pools']['locations'][0]['id']}"

        response = sign_in(owner).post(
            reverse("web:rows", args=[mine["id"]]), {"order": "put-back", "path": path, "version": "1"}
        )

        assert response.status_code == 422
        assert api.get(f"/copies/{mine['id']}").json() == mine


def admin_addresses() -> Iterator[str]:
    """Yield an address for every pattern below the admin except signing in and out, with an id where it needs one."""
    [admin] = [
        found for found in get_resolver().url_patterns if isinstance(found, URLResolver) and found.namespace == "admin"
    ]
    for found in admin.url_patterns:
        patterns = found.url_patterns if isinstance(found, URLResolver) else [found]
        prefix = str(found.pattern) if isinstance(found, URLResolver) else ""
        for pattern in patterns:
            address = f"{prefix}{pattern.pattern}"
            if any(part in address for part in ("login", "logout", "(?P", "^", "second-factor", "i18n")):
                continue
            for place in ("<path:object_id>", "<int:content_type_id>", "<path:object_id>", "<int:id>", "<slug:code>"):
                address = address.replace(place, "1")
            if "<" not in address:
                yield f"/admin/{address}"


class TestAdmin:
    def test_agents_are_refused_everywhere(self, demo: Release, owner: User, sign_in: SignIn) -> None:
        client, addresses = sign_in(owner), list(admin_addresses())

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


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestOneServer:
    """Two tenants' callers at once, each with many threads, at one process."""

    REQUESTS = 200
    THREADS = 16

    @pytest.fixture
    def server(self, demo: Release) -> Iterator[str]:
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        database = connection.settings_dict
        url = f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
        environment = {**os.environ, "DATABASE_URL": url, "DEMO": "1"}
        command = [sys.executable, "-m", "uvicorn", "partner_engine.asgi:application", "--port", str(port)]
        process = subprocess.Popen(
            [*command, "--log-level", "error"], cwd=settings.BASE_DIR, env=environment, stderr=subprocess.DEVNULL
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/readyz")
            yield f"http://127.0.0.1:{port}{V1}"
        finally:
            process.terminate()
            process.wait(10)

    def test_interleaved_calls_read_only_their_own_data(
        self, server: str, harbor_client: ApiClient, summit_client: ApiClient, s1: Sample
    ) -> None:
        apis = [Api(harbor_client), Api(summit_client)]
        copies = [api.start(s1) for api in apis]

        def call(number: int) -> tuple[int, int, str]:
            who, what = number % 2, number // 2 % 4
            path = (f"/copies/{copies[who]['id']}", f"/copies/{copies[1 - who]['id']}", "/application_forms", "/me")[
                what
            ]
            headers = {"Authorization": f"Bearer {apis[who].token}"}
            try:
                with urlopen(Request(f"{server}{path}", headers=headers), timeout=30) as response:  # noqa: S310
                    return who, what, response.read().decode()
            except URLError as error:
                return who, what, f"status {getattr(error, 'code', error)}"

        with ThreadPoolExecutor(self.THREADS) as threads:
            answers = list(threads.map(call, range(2 * self.REQUESTS)))

        names = ("harbor", "summit")
        for who, what, told in answers:
            if what == 1:
                assert told == "status 404"
                continue
            assert copies[1 - who]["id"] not in told
            assert copies[who]["id"] in told if what != 3 else json.loads(told)["tenant"]["code"] == names[who]


def wait_for(address: str) -> None:
    """Wait until a server responds at ``address``."""
    for _ in range(150):
        try:
            with urlopen(address, timeout=2):  # noqa: S310
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"nothing answers at {address}")
