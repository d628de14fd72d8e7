"""No page loads more than 300 kB, as a deployment serves it. The pages are read from the URL configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from catalogue.demo import Sample
from operations.models import BatchOperation
from tenants.access import Role
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tests.harness.api_client import Api
from tests.harness.guests import guest_of
from tests.harness.page_addresses import addresses_of
from tests.harness.page_client import StartForm
from tests.harness.page_weight import MOST_BYTES, is_page, weight_of
from tests.partner_engine.api.test_routes import start

SignIn = Callable[[User], Client]
#: Addresses that respond to such a GET with something else than 200, or 405 where only orders go. Who is signed in
#: needs no sign-in, parts and files need a query, and a used link gets a page that says so.
OTHERS = {
    "sign-in": 302,
    "sign-in-code": 302,
    "row": 404,
    "why": 404,
    "compare-csv": 400,
    "operation-effects-file": 404,
    "open": 302,
    "forgot-password": 302,
    "question-why": 404,
    "set-password": 404,
    "accept-invitation": 404,
    "company-go": 404,
    "company-finish": 302,
}

#: The arguments of addresses that are no ids.
MORE = {"version": 1, "code": "nobody", "uidb64": "MQ", "token": "no-token"}


def pages(client: Client, namespace: str, copy_id: str) -> dict[str, HttpResponse]:
    """Return the response of every page in ``namespace`` by name, without parts of pages and files.

    A record at one of the addresses has the id of the copy, as ``start`` makes them.
    """
    ids = dict.fromkeys(("copy_id", "request_id", "quote_id", "link_id", "operation_id", "endpoint_id"), copy_id)
    packed = {"Accept-Encoding": "gzip, br"}
    found = {name: client.get(at, headers=packed) for name, at in addresses_of(namespace, **ids, **MORE)}
    others = {name: page.status_code for name, page in found.items() if page.status_code not in (200, 204, 405)}
    assert others.items() <= OTHERS.items(), others
    return {name: page for name, page in found.items() if is_page(page)}  # type: ignore[arg-type, misc]


def too_heavy(found: Mapping[str, HttpResponse]) -> dict[str, int]:
    """Return the pages that load too much, with their bytes."""
    return {name: weight for name, page in found.items() if (weight := weight_of(page)) > MOST_BYTES}


@pytest.mark.django_db
def test_pages_of_agents_and_their_administrator(
    api: Api, s1: Sample, owner: User, harbor: Tenant, sign_in: SignIn
) -> None:
    copy_id = start(api, s1)["id"]
    with use_tenant(harbor):
        BatchOperation.objects.filter(pk=copy_id).update(is_dry_run=True, finished_at=timezone.now())
    owner.role = Role.TENANT_ADMIN
    owner.save()

    found = pages(sign_in(owner), "web", copy_id)

    assert {"forms", "new-form", "copy", "account", "agency", "print", "questions", "quotes", "operation"} <= set(found)
    assert too_heavy(found) == {}


@pytest.mark.django_db
def test_pages_of_guests(api: Api, s1: Sample, harbor: Tenant) -> None:
    copy_id = api.start(s1)["id"]
    guest, _ = guest_of(harbor, copy_id)
    welcome = Client().get(f"/guest/{copy_id}", headers={"Accept-Encoding": "gzip, br"})

    found = {**pages(guest, "guest", copy_id), "welcome": welcome}

    assert "copy" in found
    assert too_heavy(found) == {}


@pytest.mark.django_db
def test_pages_without_a_row_in_the_walk(
    start_form: StartForm, s1: Sample, owner: User, client: Client, sign_in: SignIn
) -> None:
    copy_id = start_form(s1.answers, s1.answer_pools, as_of=s1.as_of)
    agent = sign_in(owner)
    agent.post(f"/forms/{copy_id}/delete")
    packed = {"headers": {"Accept-Encoding": "gzip, br"}}

    found = {
        "sign-in": client.get("/sign-in", **packed),
        "deleted form": agent.get(f"/forms/{copy_id}", **packed),
        "deleted forms": agent.get("/", {"view": "deleted"}, **packed),
        "unknown address": agent.get("/nowhere", **packed),
    }

    assert [name for name, page in found.items() if not is_page(page)] == []
    assert too_heavy(found) == {}


@pytest.mark.django_db
def test_pages_are_compressed_and_responses_of_the_api_keep_their_strong_etags(
    start_form: StartForm, owner: User, sign_in: Callable[[User], Client], s1: Sample
) -> None:
    copy_id = start_form(s1.answers, s1.answer_pools, as_of=s1.as_of)
    agent, packed = sign_in(owner), {"Accept-Encoding": "gzip"}

    response = agent.get(f"/api/v1/copies/{copy_id}", headers=packed)

    assert agent.get(f"/forms/{copy_id}", headers=packed).headers["Content-Encoding"] == "gzip"
    assert response.headers["Content-Type"] != "text/html"
    assert "Content-Encoding" not in response.headers
