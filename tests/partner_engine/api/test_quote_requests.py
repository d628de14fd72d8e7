"""``/copies/{id}/quote_requests`` and ``/quote_requests``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from actions.models import OutboxAction
from batch import service as batch
from batch.context import BatchContext
from carriers.links.wire import Change, SubjectivityKind, WireSubjectivity
from catalogue.demo import Sample
from rules.payload import Asked
from tenants.access import Right, system_actor
from tenants.current_tenant import use_tenant
from tenants.models import ApiClient, Tenant
from tests.harness.api_client import Api, assert_problem
from tests.harness.quotes import quote_of

pytestmark = pytest.mark.django_db

OPEN = ["QM-BOP"]
SIGN = WireSubjectivity(code="S1", kind=SubjectivityKind.SIGN, text="Sign the application")


@pytest.fixture
def copy(api: Api, s1: Sample) -> dict[str, Any]:
    return api.start(s1)


@pytest.fixture
def url(copy: dict[str, Any]) -> str:
    return f"/copies/{copy['id']}/quote_requests"


def work(copy: dict[str, Any], tenant: Tenant, act: Callable[[BatchContext], Any]) -> Any:
    with batch.find_and_lock(UUID(copy["id"]), scope=tenant, actor=system_actor("carriers")) as context:
        done = act(context)
        context.save()
        return done


def quote(copy: dict[str, Any], tenant: Tenant, **values: Any) -> None:
    """Let the carrier answer the copy's only queued request."""

    def answer(context: BatchContext) -> None:
        (request,) = [one for one in context.changeset.quote_requests if one.row.state == "queued"]
        asked = [Asked("mqs_first_name", "First name", "Copper"), Asked("mqs_gl_limit", "Limit", "l2m")]
        request.submit(payload_hash="", asked=asked, indication=2451)
        assert request.receive(quote_of(request, **values))

    work(copy, tenant, answer)


@pytest.fixture
def quoted(api: Api, copy: dict[str, Any], url: str, harbor: Tenant) -> dict[str, Any]:
    """Return a quoted request."""
    (request,) = api.post(url, {"products": OPEN}).json()["requested"]
    quote(copy, harbor, premium=2451, subjectivities=(SIGN,))
    shown: dict[str, Any] = api.get(f"/quote_requests/{request['id']}").json()
    return shown


def actions(tenant: Tenant, kind: str) -> int:
    with use_tenant(tenant):
        return OutboxAction.objects.filter(kind=kind).count()


def test_all_open_products_are_requested_in_one_save(api: Api, copy: dict[str, Any], url: str, harbor: Tenant) -> None:
    response = api.post(url, {})

    is_open = [code for code, one in copy["eligibility"].items() if one["outcome"] in ("eligible", "refer")]
    assert response.status_code == 201
    assert response["ETag"] == f'"{copy["version"] + 1}"'
    requested = response.json()["requested"]
    refused = {one["product"]: one["code"] for one in response.json()["refused"]}
    assert sorted([one["product"] for one in requested] + [*refused]) == sorted(is_open)
    assert {one["state"] for one in requested} == {"queued"}
    assert actions(harbor, "submit_quote_request") == len(requested) > 0
    assert [one["id"] for one in api.get(url).json()["results"]] == [one["id"] for one in reversed(requested)]


def test_products_are_refused_with_the_reason(api: Api, url: str, harbor: Tenant) -> None:
    api.post(url, {"products": OPEN})

    response = api.post(url, {"products": [*OPEN, "NOBODY", "OH-BOP"]})

    assert response.json()["requested"] == []
    assert {one["product"]: one["code"] for one in response.json()["refused"]} == {
        "QM-BOP": "running",
        "NOBODY": "unknown_product",
        "OH-BOP": api.get(url.removesuffix("/quote_requests")).json()["eligibility"]["OH-BOP"]["outcome"],
    }
    assert actions(harbor, "submit_quote_request") == 1


def test_a_repeated_request_has_one_effect(api: Api, url: str, harbor: Tenant) -> None:
    first = api.post(url, {"products": OPEN}, idempotency_key="once")
    second = api.post(url, {"products": OPEN}, idempotency_key="once")

    assert first.json() == second.json()
    assert actions(harbor, "submit_quote_request") == 1


def test_a_quote_is_shown_with_what_was_asked_and_changed(
    api: Api, copy: dict[str, Any], url: str, harbor: Tenant
) -> None:
    api.post(url, {"products": OPEN})
    change = Change(field="cap", asked="l2m", offered="l1m", reason="At most one million")
    quote(copy, harbor, premium=2000, changes=(change,), valid_until=date(2099, 1, 1))

    (shown,) = api.get(url).json()["results"]

    assert (shown["state"], shown["premium"], shown["indication"]) == ("quoted", 2000, 2451)
    assert shown["asked"][1] == {"path": "mqs_gl_limit", "label": "Limit", "value": "l2m"}
    assert shown["changes"] == [
        {
            "field": "cap",
            "path": "",
            "label": "Cap",
            "asked": "l2m",
            "offered": "l1m",
            "reason": "At most one million",
        }
    ]
    assert shown["valid_until"] == "2099-01-01"


def test_a_quote_whose_last_day_is_over_is_expired_at_once(
    api: Api, quoted: dict[str, Any], copy: dict[str, Any], url: str, harbor: Tenant
) -> None:
    def age(context: BatchContext) -> None:
        (request,) = context.changeset.quote_requests
        request._change(valid_until=date(2020, 1, 1))

    work(copy, harbor, age)

    assert api.get(f"/quote_requests/{quoted['id']}").json()["state"] == "expired"
    assert [one["id"] for one in api.get("/quote_requests?state=expired").json()["results"]] == [quoted["id"]]
    assert api.get("/quote_requests?state=quoted,selected").json()["results"] == []
    assert_problem(api.post(f"/quote_requests/{quoted['id']}/select", {}), 409, "wrong_state")


def test_a_quote_is_selected_deselected_and_withdrawn(api: Api, quoted: dict[str, Any], harbor: Tenant) -> None:
    path = f"/quote_requests/{quoted['id']}"
    assert api.post(f"{path}/select", {}).json()["state"] == "selected"
    assert api.post(f"{path}/deselect", {}).json()["state"] == "quoted"
    assert_problem(api.post(f"{path}/deselect", {}), 409, "wrong_state")
    assert api.post(f"{path}/ask_again", {}).json()["state"] == "queued"
    assert_problem(api.post(f"{path}/ask_again", {}), 409, "wrong_state")
    withdrawn = api.post(f"{path}/withdraw", {"reason": "The owner decided"}).json()
    assert (withdrawn["state"], withdrawn["reason"]) == ("withdrawn", "The owner decided")
    assert_problem(api.post(f"{path}/withdraw", {}), 409, "wrong_state")


def test_a_subjectivity_is_done_and_undone(api: Api, quoted: dict[str, Any]) -> None:
    (subjectivity,) = quoted["subjectivities"]
    path = f"/quote_requests/{quoted['id']}/subjectivities/{subjectivity['id']}/done"

    done = api.post(path, {}).json()
    undone = api.post(path, {"done": False}).json()

    assert (subjectivity["owner"], subjectivity["done_at"]) == ("insured", None)
    assert done["done_at"] is not None
    assert (undone["done_at"], undone["done_by"]) == (None, "")
    unknown = path.replace(subjectivity["id"], str(uuid4()))
    assert_problem(api.post(unknown, {}), 404, "not_found")


def test_a_stale_version_changes_nothing(api: Api, quoted: dict[str, Any]) -> None:
    path = f"/quote_requests/{quoted['id']}"

    response = api.post(f"{path}/select", {}, if_match='"1"')

    assert_problem(response, 412, "version_mismatch")
    assert api.get(path).json() == quoted


def test_personal_values_are_masked_without_the_right(
    api: Api, quoted: dict[str, Any], harbor_client: ApiClient
) -> None:
    limited = Api(harbor_client, [right for right in Right if right is not Right.READ_PERSONAL])
    shown = limited.get(f"/quote_requests/{quoted['id']}").json()

    assert quoted["asked"][0]["value"] == "Copper"
    assert "Copper" not in str(shown)
    assert shown["asked"][1] == quoted["asked"][1]


def test_the_list_over_all_forms_is_paged_and_filtered(api: Api, s1: Sample, url: str, quoted: dict[str, Any]) -> None:
    second = api.start(s1)
    api.post(f"/copies/{second['id']}/quote_requests", {"products": OPEN})

    first = api.get("/quote_requests?limit=1").json()
    rest = api.get(first["next"].removeprefix("/api/v1")).json()

    assert [one["copy_id"] for one in first["results"] + rest["results"]] == [second["id"], quoted["copy_id"]]
    assert rest["next"] is None
    assert len(api.get("/quote_requests?carrier=QM&product=QM-BOP").json()["results"]) == 2
    assert api.get("/quote_requests?carrier=TT").json()["results"] == []
    assert_problem(api.get("/quote_requests?state=lost"), 400, "invalid_query")


def test_another_tenants_requests_are_unknown(api: Api, foreigner: Api, quoted: dict[str, Any]) -> None:
    assert_problem(foreigner.get(f"/quote_requests/{quoted['id']}"), 404, "not_found")
    assert_problem(foreigner.post(f"/quote_requests/{quoted['id']}/select", {}), 404, "not_found")
    assert foreigner.get("/quote_requests").json()["results"] == []
    assert api.get(f"/quote_requests/{quoted['id']}").json() == quoted


def test_a_quote_is_entered_only_for_a_carrier_that_decides_by_hand(api: Api, quoted: dict[str, Any]) -> None:
    body = {"status": "quoted", "reference": "Q-9", "premium": 100}

    assert_problem(api.post(f"/quote_requests/{quoted['id']}/answer", body), 409, "no_manual_entry")
