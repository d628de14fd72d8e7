"""Data of one tenant is not reachable for another by the agents' pages; the rows are those of the guests' pages too.

The API's own addresses are walked in ``tests/partner_engine/api/test_routes.py``; guests, parts of other forms, the
admin and a busy server have files of their own here.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from catalogue.demo import Sample
from tenants.access import Role
from tenants.models import User
from tests.harness.api_client import NOBODY, Api
from tests.harness.page_addresses import names_of
from tests.harness.stored_versions import version_of
from tests.partner_engine.api.test_routes import start, webhooks_of

pytestmark = pytest.mark.django_db

SignIn = Callable[[User], Client]

#: Every address of the agents' pages: its name -> (method, fields), and whether it is of one copy.
PAGES: dict[str, tuple[str, dict[str, str], bool]] = {
    "sign-in": ("GET", {}, False),
    "sign-in-code": ("GET", {}, False),
    "company-sign-in": ("GET", {}, False),
    "company-go": ("GET", {}, False),
    "company-finish": ("GET", {}, False),
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
    "proposed-answers": ("GET", {}, True),
    "settle-proposed": ("POST", {"order": "accept", "pick": "mqs_business_name x"}, True),
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
    "colleagues": ("GET", {}, False),
    "order-colleague": (
        "POST",
        {"order": "invite", "email": "mole@harbor.example", "full_name": "Taken over", "role": "tenant_admin"},
        False,
    ),
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
OPEN = {
    "sign-in",
    "sign-in-code",
    "company-sign-in",
    "company-go",
    "company-finish",
    "sign-out",
    "end-view",
    "forgot-password",
    "set-password",
    "accept-invitation",
}


def ask(client: Client, name: str, copy_id: str, **headers: str) -> HttpResponse:
    """Ask for the page ``name``."""
    method, fields, is_of_one = PAGES[name]
    args = [copy_id] if is_of_one or name in OF_ONE_ENDPOINT | OF_ONE_OPERATION else []
    args = [NOBODY, "no-token"] if name in {"set-password", "accept-invitation"} else args
    args = ["nowhere"] if name in {"company-go", "company-finish"} else args
    more = [1] if name == "version" else [copy_id] if name in WITH_SECOND_ID else []
    address = reverse(f"web:{name}", args=[*args, *more])
    return getattr(client, method.lower())(address, fields, headers=headers)


class TestPages:
    def test_every_address_has_a_row(self) -> None:
        assert set(names_of("web")) == set(PAGES)

    @pytest.mark.parametrize("is_part", [True, False])
    def test_an_agent_of_another_tenant_finds_nothing(
        self, is_part: bool, subtests: pytest.Subtests, api: Api, s1: Sample, stranger: User, sign_in: SignIn
    ) -> None:
        copy, client = api.start(s1), sign_in(stranger)

        for name in OF_ONE_COPY:
            with subtests.test(name):
                response = ask(client, name, copy["id"], **({"HX-Request": "true"} if is_part else {}))

                assert response.status_code == 404
                assert "Copper Kettle" not in response.content.decode()
                assert version_of(copy["id"]) == copy["version"]
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

    def test_anonymous_callers_are_refused(self, subtests: pytest.Subtests, api: Api, s1: Sample) -> None:
        copy = api.start(s1)

        for name in sorted(set(PAGES) - OPEN):
            with subtests.test(name):
                page, part = ask(Client(), name, copy["id"]), ask(Client(), name, copy["id"], **{"HX-Request": "true"})

                assert (page.status_code, page["Location"].partition("?")[0]) == (302, "/sign-in")
                assert (part.status_code, part.content) == (401, b"")
                assert version_of(copy["id"]) == copy["version"]
        assert api.get(f"/copies/{copy['id']}").json() == copy

    def test_staff_are_sent_to_the_admin(
        self, subtests: pytest.Subtests, api: Api, s1: Sample, staff: User, sign_in: SignIn
    ) -> None:
        copy = api.start(s1)

        for name in sorted(set(PAGES) - OPEN):
            with subtests.test(name):
                response = ask(sign_in(staff), name, copy["id"])

                assert (response.status_code, response["Location"]) == (302, reverse("admin:index"))
                assert version_of(copy["id"]) == copy["version"]

    def test_a_write_needs_the_token_of_its_page(
        self, subtests: pytest.Subtests, api: Api, s1: Sample, owner: User
    ) -> None:
        copy = api.start(s1)
        client = Client(enforce_csrf_checks=True)
        client.force_login(owner, backend="tenants.backends.EmailBackend")

        for name in (name for name in PAGES if PAGES[name][0] == "POST"):
            with subtests.test(name):
                response = ask(client, name, copy["id"])

                assert response.status_code == 403
                assert version_of(copy["id"]) == copy["version"]
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
