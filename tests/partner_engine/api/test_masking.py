"""Masking: sensitive answers always, personal ones without the right; reads of personal ones are logged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import pytest
from structlog.testing import capture_logs

from catalogue.demo import Sample, read_samples
from copies.models import RevealPurpose, SensitiveReveal
from partner_engine.api.bodies import RevealInput
from tenants.access import Right
from tenants.current_tenant import use_tenant
from tenants.models import ApiClient, Tenant
from tests.harness.api_client import Api, assert_problem
from tests.harness.certain_text import certain

pytestmark = pytest.mark.django_db
WITHOUT_PERSONAL = [right for right in Right if right is not Right.READ_PERSONAL]


@pytest.fixture
def discreet(demo: None, harbor_client: ApiClient) -> Api:
    """Return a client without the right to personal answers."""
    return Api(harbor_client, WITHOUT_PERSONAL)


@pytest.fixture
def s10() -> Sample:
    return next(sample for sample in read_samples() if sample.id == "S10")


def test_sensitive_answers_are_masked_for_everybody_everywhere(api: Api, s10: Sample) -> None:
    copy = api.start(s10)
    url = f"/copies/{copy['id']}"
    changed = api.patch(f"{url}/answers", {"answers": {"mqs_owner_ssn": "987-65-4329"}})

    assert copy["answers"]["mqs_owner_ssn"]["value"] == "•••• 4321"
    assert [(change["before"], change["after"]) for change in changed.json()["changes"]] == [("•••• 4321", "•••• 4329")]
    pages = [
        url,
        f"{url}?at_version=1",
        f"{url}/changes?since=0",
        f"{url}/history",
        f"{url}/needed",
        f"{url}/explain?target=question:mqs_owner_ssn",
        f"{url}/explain?target=question:mqs_fein",
        f"/application_forms/{copy['id']}",
        "/application_forms",
    ]
    for page in pages:
        response = api.get(page)
        assert response.status_code == 200, (page, response.content)
        for secret in ("987654321", "987654329", "987-65-4321", "987-65-4329"):
            assert secret not in response.content.decode(), page


def test_a_refused_sensitive_value_is_not_repeated(api: Api, s10: Sample) -> None:
    copy = api.start(s10)

    response = api.patch(f"/copies/{copy['id']}/answers", {"answers": {"mqs_owner_ssn": "000-12-7777"}})

    assert_problem(response, 422, "invalid_answers")
    assert "7777" not in certain(response.content)


def test_personal_answers_are_hidden_without_the_right(api: Api, discreet: Api, s1: Sample) -> None:
    copy = api.start(s1)
    url = f"/copies/{copy['id']}"
    discreet.patch(f"{url}/answers", {"answers": {"mqs_email": "robin.second@example.com"}})

    shown = discreet.get(url).json()["answers"]["mqs_email"]

    assert (shown["value"], shown["sensitive"], shown["masked"]) == ("••••", "pii", True)
    open_to_us = api.get(url).json()["answers"]["mqs_email"]
    assert (open_to_us["value"], open_to_us["sensitive"], open_to_us["masked"]) == (
        "robin.second@example.com",
        "pii",
        False,
    )
    for page in (
        url,
        f"{url}?at_version=1",
        f"{url}/changes?since=0",
        f"{url}/history",
        f"/application_forms/{copy['id']}",
    ):
        content = discreet.get(page).content.decode()
        for personal in ("robin@example.com", "robin.second@example.com", "6145550101", "1 Demo Way"):
            assert personal not in content, page


def test_a_write_returns_no_personal_answer_without_the_right(discreet: Api, s1: Sample) -> None:
    copy = discreet.start(s1)

    told = discreet.patch(f"/copies/{copy['id']}/answers", {"answers": {"mqs_email": "new@example.com"}}).json()

    assert copy["answers"]["mqs_email"]["value"] == "••••"
    assert [(change["path"], change["before"], change["after"]) for change in told["changes"]] == [
        ("mqs_email", "••••", "••••")
    ]


def answered(container: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every answer with a value, rows' too."""
    yield from (answer for answer in container["answers"].values() if answer["value"] is not None)
    for rows in container["answer_pools"].values():
        for row in rows:
            yield from answered(row)


def test_every_read_of_personal_answers_is_logged_without_them(api: Api, discreet: Api, s1: Sample) -> None:
    copy = api.start(s1)

    with capture_logs() as logs:
        api.get(f"/copies/{copy['id']}")
        discreet.get(f"/copies/{copy['id']}")

    reads = [entry for entry in logs if entry["event"] == "audit.personal_answers_read"]
    assert len(reads) == 1
    assert (reads[0]["actor_type"], reads[0]["copy_id"]) == ("api_client", copy["id"])
    assert reads[0]["count"] == sum(answer.get("sensitive") == "pii" for answer in answered(copy))
    assert "robin@example.com" not in str(logs)


def test_a_sensitive_answer_is_revealed_with_a_reason(api: Api, harbor: Tenant, s10: Sample) -> None:
    copy = api.start(s10)

    response = api.post(
        f"/copies/{copy['id']}/reveal",
        {"path": "mqs_owner_ssn", "purpose": "carrier", "reason": "Carrier asks by phone"},
    )

    assert response.json() == {"path": "mqs_owner_ssn", "value": "987-65-4321"}
    assert response["Cache-Control"] == "no-store"
    with use_tenant(harbor):
        proof = SensitiveReveal.objects.get()
    assert (str(proof.copy_id), proof.path, proof.reason) == (copy["id"], "mqs_owner_ssn", "Carrier asks by phone")
    assert proof.purpose == "carrier"


def test_the_purposes_of_the_api_are_those_of_the_ledger() -> None:
    assert get_args(get_type_hints(RevealInput)["purpose"]) == tuple(RevealPurpose.values)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"path": "mqs_owner_ssn"}, 422, "invalid_body"),
        ({"path": "mqs_owner_ssn", "purpose": "carrier", "reason": " "}, 422, "invalid_body"),
        ({"path": "mqs_owner_ssn", "purpose": "carrier", "reason": "too short"}, 422, "invalid_body"),
        ({"path": "mqs_owner_ssn", "purpose": "carrier", "reason": " " * 12}, 422, "reason_required"),
        ({"path": "mqs_owner_ssn", "purpose": "carrier", "reason": "xxxxxxxxxxxx"}, 422, "reason_required"),
        ({"path": "mqs_owner_ssn", "purpose": "curious", "reason": "Carrier asks by phone"}, 422, "invalid_body"),
        ({"path": "mqs_owner_ssn", "reason": "Carrier asks by phone"}, 422, "invalid_body"),
        ({"path": "mqs_email", "purpose": "carrier", "reason": "Carrier asks by phone"}, 422, "nothing_to_reveal"),
        ({"path": "a/b/c", "purpose": "carrier", "reason": "Carrier asks by phone"}, 422, "nothing_to_reveal"),
    ],
)
def test_refused_reveals(api: Api, harbor: Tenant, s10: Sample, body: dict[str, str], status: int, code: str) -> None:
    copy = api.start(s10)

    assert_problem(api.post(f"/copies/{copy['id']}/reveal", body), status, code)
    with use_tenant(harbor):
        assert not SensitiveReveal.objects.exists()
