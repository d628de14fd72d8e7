"""Test forms of sandbox clients: what they are, who sees them, and what they never reach."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from actions.models import OutboxAction
from actions.registry import PermanentFailure
from batch import service as batch
from carriers.link_models import CarrierLink
from catalogue.demo import Sample
from catalogue.models import Release
from decisions.book import count_open
from forms.models import ApplicationForm
from operations.erasure.form_purge import expired_forms
from partner_engine.environment import DeletedForms
from quoting.action_targets import link_for
from tenants.access import system_actor
from tenants.current_tenant import use_tenant
from tenants.models import ApiClient, Tenant, User
from tests.harness.api_client import Api, assert_problem
from tests.harness.cast import DEMO
from tests.harness.moments import run_actions
from tests.harness.page_client import markup

pytestmark = pytest.mark.django_db


@pytest.fixture
def sandbox(demo: Release, harbor: Tenant, harbor_client: ApiClient) -> Api:
    """Return a sandbox client of harbor with every right."""
    client = ApiClient.objects.create(
        name="Harbor sandbox",
        tenant=harbor,
        client_id="harbor-sandbox",
        allowed_scopes=harbor_client.allowed_scopes,
        is_sandbox=True,
    )
    return Api(client)


def listed(api: Api, address: str) -> list[str]:
    return [one.get("form", one)["id"] for one in api.get(address).json()["results"]]


def test_its_forms_copies_and_clones_are_test_forms_for_ever(sandbox: Api, api: Api, s1: Sample) -> None:
    copy = sandbox.start(s1)
    path = f"/application_forms/{copy['id']}"
    second = sandbox.post(f"{path}/copies", {}).json()
    clone = api.post(f"{path}/clone", {}).json()
    many = sandbox.post("/application_forms", [{}, {}]).json()["results"]

    assert [one["test"] for one in (copy, second, *(entry["body"] for entry in many))] == [True] * 4
    assert api.patch(path, {"external_id": "A"}).json()["test"] is True
    form = api.get(path).json()
    assert (form["test"], form["copy"]["test"]) == (True, True)
    cloned = api.get(f"/application_forms/{clone['application_form_id']}").json()
    assert cloned["test"] is True
    assert api.start(s1)["test"] is False


def test_it_changes_no_other_form(sandbox: Api, api: Api, s1: Sample) -> None:
    real = api.start(s1)
    path = f"/copies/{real['id']}"
    requests = [
        ("PATCH", f"{path}/answers", b'{"answers": {"mqs_gl_limit": "l2m"}}'),
        ("PATCH", path, b'{"title": "x"}'),
        ("POST", f"{path}/messages", b'{"text": "x", "severity": "info"}'),
        ("POST", f"{path}/quote_requests", b"{}"),
        ("POST", f"/application_forms/{real['id']}/copies", b"{}"),
        ("DELETE", f"/application_forms/{real['id']}", b""),
    ]

    for method, address, content in requests:
        assert_problem(sandbox.send(method, address, content), 403, "not_a_test_form")
    assert api.get(path).json()["version"] == real["version"]


def test_lists_and_searches_are_of_either_kind(sandbox: Api, api: Api, s1: Sample) -> None:
    test, real = sandbox.start(s1)["id"], api.start(s1)["id"]
    words = "/search?q=copper"

    for address in ("/application_forms?", f"{words}&"):
        assert listed(sandbox, address) == listed(api, f"{address}test=true") == [test]
        assert listed(api, address) == listed(sandbox, f"{address}test=false") == [real]
    order = {
        "kind": "set_answers",
        "query": {"line": "bop"},
        "arguments": {"answers": {"mqs_mail_city": "Austin"}},
        "options": {"dry_run": True},
    }
    for caller, found in ((sandbox, test), (api, real)):
        operation = caller.post("/batch_operations", order).json()
        items = caller.get(f"/batch_operations/{operation['id']}/items").json()["results"]
        assert [item["copy_id"] for item in items] == [found], operation


def test_reports_leave_them_out(sandbox: Api, api: Api, s1: Sample, harbor: Tenant) -> None:
    sandbox.start(s1)
    api.start(s1)

    assert count_open(DEMO, [harbor]) == 1


def test_agents_see_them_in_a_view_of_their_own(
    sandbox: Api, api: Api, s1: Sample, owner: User, sign_in: Callable[[User], Client]
) -> None:
    browser = sign_in(owner)
    api.start(s1)
    assert "Test forms" not in markup(browser.get("/"))
    copy = sandbox.start(s1)["id"]

    usual, tests, shown = (markup(browser.get(address)) for address in ("/", "/?view=tests", f"/forms/{copy}"))
    assert f'data-copy="{copy}"' not in usual and "Test forms" in usual and ">Test</span>" not in usual
    assert f'data-copy="{copy}"' in tests and tests.count("data-copy=") == 1 and ">Test</span>" in tests
    assert ">Test</span>" in shown


def test_they_reach_simulators_only(sandbox: Api, s1: Sample, harbor: Tenant) -> None:
    link = CarrierLink.objects.create(catalogue=DEMO, carrier="QM", base_url="https://qm.example", client_id="x")
    copy = sandbox.start(s1)
    path = f"/copies/{copy['id']}/quote_requests"

    (refused,) = sandbox.post(path, {"products": ["QM-BOP"]}).json()["refused"]
    assert (refused["product"], refused["code"]) == ("QM-BOP", "test_form")
    with batch.find_and_lock(UUID(copy["id"]), scope=harbor, actor=system_actor("carriers")) as context:
        with pytest.raises(PermanentFailure):
            link_for(context, "QM")
        CarrierLink.objects.filter(pk=link.pk).update(is_simulator=True)
        assert link_for(context, "QM").is_simulator
    (requested,) = sandbox.post(path, {"products": ["QM-BOP"]}).json()["requested"]
    assert requested["state"] == "queued"


def test_they_are_erased_after_some_days_whatever_they_are_used_for(
    sandbox: Api, api: Api, s1: Sample, harbor: Tenant, settings: Settings
) -> None:
    settings.DELETED_FORMS = DeletedForms(days=0, purges_bound=False, test_days=30)
    old, recent, real = sandbox.start(s1)["id"], sandbox.start(s1)["id"], api.start(s1)["id"]
    sandbox.post(f"/copies/{old}/lock", {"reason": "audit"})
    with use_tenant(harbor):
        for form_id, days in ((old, 31), (recent, 29), (real, 400)):
            at = timezone.now() - timedelta(days=days)
            ApplicationForm.objects.filter(pk=form_id).update(created_at=at)

        assert [str(form.pk) for form in expired_forms()] == [old]
        settings.DELETED_FORMS = DeletedForms(days=0, purges_bound=False, test_days=0)
        assert not expired_forms().exists()


@pytest.mark.parametrize("states_it", [True, False], ids=["", "stored by an earlier edition"])
def test_events_of_test_forms_are_marked_and_left_out_on_request(
    sandbox: Api, api: Api, s1: Sample, harbor: Tenant, states_it: bool
) -> None:  # fmt: skip
    order = {"url": "https://hooks.example.com/in", "event_types": ["form.created"]}
    every = api.post("/webhook_endpoints", order).json()
    real_only = api.post("/webhook_endpoints", {**order, "has_test_forms": False}).json()
    assert (every["has_test_forms"], real_only["has_test_forms"]) == (True, False)
    test, real = sandbox.start(s1)["id"], api.start(s1)["id"]
    if not states_it:
        with use_tenant(harbor):
            for action in OutboxAction.objects.filter(kind="publish_webhook"):
                del action.payload["is_test"]
                OutboxAction.objects.filter(pk=action.pk).update(payload=action.payload)

    run_actions()

    def created(query: str) -> dict[str, bool]:
        found = api.get(f"/events?types=form.created{query}").json()["results"]
        return {event["data"]["copy_id"]: event["data"]["is_test"] for event in found}

    assert created("") == {test: True, real: False}
    assert (created("&test=true"), created("&test=false")) == ({test: True}, {real: False})

    def delivered(endpoint: dict[str, str]) -> set[str]:
        path = f"/webhook_endpoints/{endpoint['id']}"
        return {one["copy_id"] for one in api.get(f"{path}/deliveries").json()["results"]}

    assert (delivered(every), delivered(real_only)) == ({test, real}, {real})
    changed = api.patch(f"/webhook_endpoints/{real_only['id']}", {"has_test_forms": True}).json()
    assert changed["has_test_forms"] is True


def test_a_bridge_leads_only_to_the_pages_of_a_simulator(sandbox: Api, s1: Sample) -> None:
    link = CarrierLink.objects.create(
        catalogue=DEMO, carrier="QM", mode=CarrierLink.Mode.MANUAL, base_url="https://quotes.carrier.example",
        client_id="harbor", is_simulator=True, portal_url="https://portal.carrier.example/",
    )  # fmt: skip
    copy = sandbox.start(s1)
    made = sandbox.post(f"/copies/{copy['id']}/quote_requests", {"products": ["QM-BOP"], "draft": True}).json()
    [request] = made["requested"]
    path = f"/quote_requests/{request['id']}/bridge"
    assert sandbox.post(path).status_code == 200

    CarrierLink.objects.filter(pk=link.pk).update(is_simulator=False)

    assert_problem(sandbox.post(path), 409, "test_form")
