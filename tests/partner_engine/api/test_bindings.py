"""``/quote_requests/{id}/binding``, ``/consent``, ``/assistance``."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from actions.models import OutboxAction
from actions.relay import drain
from batch import service as batch
from catalogue.demo import Sample
from tenants.access import Right, system_actor
from tenants.current_tenant import use_tenant
from tenants.models import ApiClient, Tenant
from tests.harness.api_client import NOBODY, Api, assert_problem
from tests.harness.bindings import offer

pytestmark = pytest.mark.django_db

CARRIERS = system_actor("carriers")
QM = "QM-BOP"


@pytest.fixture
def copy(api: Api, s1: Sample) -> dict[str, Any]:
    """Return the restaurant's copy, with everything that is needed to bind."""
    started = api.start(s1)
    (owner,) = started["answer_pools"]["owners"]
    birth = {"id": owner["id"], "answers": {"mqs_own_dob": "1980-02-03"}}
    changed = api.patch(f"/copies/{started['id']}/answers", {"answer_pools": {"owners": [birth]}})
    assert changed.json()["needed"] == {"quote": [], "bind": []}
    return started


@pytest.fixture
def quote_id(copy: dict[str, Any], harbor: Tenant) -> UUID:
    return offer(UUID(copy["id"]), scope=harbor, actor=CARRIERS, product=QM, premium=2451, reference="QM-31")


@pytest.fixture
def url(quote_id: UUID) -> str:
    return f"/quote_requests/{quote_id}"


def agree(api: Api, url: str, **values: Any) -> dict[str, Any]:
    """Return the body of a consent to the present wording."""
    terms = api.get(f"{url}/binding").json()["terms"]
    return {"wording_hash": terms["wording_hash"], "accepted_by": "Robin Example", **values}


def emitted(tenant: Tenant) -> set[str]:
    with use_tenant(tenant):
        return set(OutboxAction.objects.values_list("kind", flat=True))


def test_the_plan_names_terms_needs_and_refusals(api: Api, url: str, copy: dict[str, Any], quote_id: UUID) -> None:
    response = api.get(f"{url}/binding")

    plan = response.json()
    assert response["ETag"]
    assert (plan["copy_id"], plan["binding"]["state"], plan["needed"]) == (copy["id"], "none", [])
    assert [refusal["code"] for refusal in plan["refusals"]] == ["consent_missing"]
    terms = plan["terms"]
    assert (terms["carrier"], terms["product"], terms["premium"]) == ("Quillmark Mutual", "Business owners", 2451)
    assert (terms["effective_on"], terms["payment_plan"]) == ("2026-07-01", "Monthly")
    assert "The cover begins on July 1, 2026. The premium is $2,451 a year. Payment plan: Monthly." in terms["wording"]


def test_a_bind_is_requested_once_with_its_consent(api: Api, url: str, harbor: Tenant) -> None:
    body = {"consent": agree(api, url)}

    first = api.post(f"{url}/binding", body, Idempotency_Key="one")
    again = api.post(f"{url}/binding", body, Idempotency_Key="one")

    assert (first.status_code, first.json()["state"], first.json()["payment_plan"]) == (202, "requested", "monthly")
    assert again.content == first.content
    assert "bind_quote_request" in emitted(harbor)
    assert_problem(api.post(f"{url}/binding", body), 409, "binding_under_way")
    assert_problem(api.patch(f"/copies/{api.get(f'{url}/binding').json()['copy_id']}/answers", {"answers": {
        "mqs_annual_revenue": 1_300_000}}), 409, "binding_under_way")  # fmt: skip


def test_consent_is_recorded_and_ends_with_its_terms(api: Api, url: str, copy: dict[str, Any]) -> None:
    recorded = api.post(f"{url}/consent", agree(api, url))

    assert recorded.status_code == 200
    assert recorded.json()["consent"]["accepted_by"] == "Robin Example"
    assert api.get(f"{url}/binding").json()["refusals"] == []
    api.patch(f"/copies/{copy['id']}/answers", {"answers": {"mqs_billing": "full"}})
    after = api.get(f"{url}/binding").json()
    assert after["binding"]["consent"] is None
    assert [refusal["code"] for refusal in after["refusals"]] == ["consent_void"]
    assert_problem(api.post(f"{url}/binding", {}), 409, "consent_void")


def test_wrong_consents_are_refused(api: Api, url: str) -> None:
    consent = agree(api, url)

    assert_problem(api.post(f"{url}/consent", {**consent, "wording_hash": "0" * 64}), 409, "wording_changed")
    blank = assert_problem(api.post(f"{url}/consent", {**consent, "accepted_by": " "}), 422, "wrong_value")
    assert [fault["pointer"] for fault in blank["errors"]] == ["/accepted_by"]
    nested = assert_problem(
        api.post(f"{url}/binding", {"consent": {**consent, "accepted_by": " "}}), 422, "wrong_value"
    )
    assert [fault["pointer"] for fault in nested["errors"]] == ["/consent/accepted_by"]
    assert api.get(f"{url}/binding").json()["binding"]["state"] == "none"


def test_needed_answers_are_errors_with_their_paths(api: Api, url: str, copy: dict[str, Any]) -> None:
    api.patch(f"/copies/{copy['id']}/answers", {"answers": {"mqs_fein": None, "mqs_consent": None}})

    problem = assert_problem(api.post(f"{url}/binding", {}), 422, "answers_needed")

    assert [(fault["path"], fault["code"]) for fault in problem["errors"]] == [
        ("mqs_fein", "needed"),
        ("mqs_consent", "needed"),
    ]
    assert api.get(f"{url}/binding").json()["needed"] == ["mqs_fein", "mqs_consent"]


def test_questions_of_other_lines_are_not_needed(api: Api, url: str, copy: dict[str, Any]) -> None:
    driver = {"answers": {"mqs_drv_name": "Kai Demo", "mqs_drv_violations": 0}}
    api.patch(
        f"/copies/{copy['id']}/answers",
        {"answers": {"mqs_lobs": ["bop", "wc", "auto"], "mqs_fein": None}, "answer_pools": {"drivers": [driver]}},
    )

    needed = api.get(f"/copies/{copy['id']}").json()["needed"]["bind"]

    assert any("mqs_drv_license" in path for path in needed)
    assert api.get(f"{url}/binding").json()["needed"] == ["mqs_fein"]


def test_help_is_a_mail_and_a_process_until_it_was_given(
    api: Api, url: str, copy: dict[str, Any], harbor: Tenant
) -> None:
    asked = api.post(f"{url}/assistance", {"note": "Signature missing"})

    assert (asked.status_code, asked.json()["state"]) == (202, "help_requested")
    assert {"send_bind_assistance_mail", "start_process"} <= emitted(harbor)
    drain("default")
    (process,) = api.get(f"/copies/{copy['id']}/processes").json()["results"]
    assert (process["kind"], process["state"], process["step"]) == ("bind_assistance", "waiting", "person")
    given = api.delete(f"{url}/assistance")
    assert (given.status_code, given.json()["state"]) == (200, "draft")
    (process,) = api.get(f"/copies/{copy['id']}/processes").json()["results"]
    assert process["state"] == "completed"


def test_only_callers_with_the_right_bind(api: Api, url: str, harbor_client: ApiClient) -> None:
    reader = Api(harbor_client, [Right.READ_FORMS, Right.WRITE_FORMS])

    assert reader.get(f"{url}/binding").status_code == 200
    assert_problem(reader.post(f"{url}/consent", agree(api, url)), 403, "missing_right")
    assert_problem(reader.post(f"{url}/binding", {"consent": agree(api, url)}), 403, "missing_right")


def test_other_tenants_and_unknown_quotes_find_nothing(api: Api, foreigner: Api, url: str) -> None:
    body = {"consent": agree(api, url)}

    for caller, address in ((foreigner, url), (api, f"/quote_requests/{NOBODY}")):
        assert_problem(caller.get(f"{address}/binding"), 404, "not_found")
        assert_problem(caller.post(f"{address}/binding", body), 404, "not_found")
        assert_problem(caller.post(f"{address}/assistance", {}), 404, "not_found")
    assert api.get(f"{url}/binding").json()["binding"]["state"] == "none"


def test_a_stale_quote_is_refused_with_its_reason(
    api: Api, url: str, copy: dict[str, Any], quote_id: UUID, harbor: Tenant
) -> None:
    api.post(f"{url}/consent", agree(api, url))
    with batch.find_and_lock(UUID(copy["id"]), scope=harbor, actor=CARRIERS) as context:
        context.changeset.quote_requests.find(quote_id).mark_stale("Revenue changed")
        context.save()

    problem = assert_problem(api.post(f"{url}/binding", {}), 409, "quote_stale")

    assert problem["detail"] == "This quote is out of date: revenue changed. Ask the carrier again."
    assert [refusal["code"] for refusal in api.get(f"{url}/binding").json()["refusals"]] == [
        "quote_stale",
        "consent_void",
    ]
