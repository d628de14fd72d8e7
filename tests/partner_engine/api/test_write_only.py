"""A caller that may write and not read gets receipts: every write of a copy, and no value in any of them."""

from __future__ import annotations

from typing import Any, Final

import pytest

from catalogue.demo import Sample
from tenants.access import Right
from tenants.models import ApiClient
from tests.harness.api_client import Api, assert_problem

pytestmark = pytest.mark.django_db
SSN: Final = "987-65-4321"

#: Method, path and body of every write whose response is the copy or its changes.
WRITES: Final[list[tuple[str, str, Any]]] = [
    ("PATCH", "/copies/{id}", {"title": "Renamed"}),
    ("PATCH", "/copies/{id}/answers", {"answers": {"mqs_business_name": "Written only"}}),
    ("PATCH", "/copies/{id}/answers?dry_run=true", {"answers": {"mqs_business_name": "Written only"}}),
    ("PATCH", "/application_forms/{id}/answers", {"answers": {"mqs_business_name": "Written only"}}),
    ("POST", "/copies/{id}/lock", None),
    ("POST", "/copies/{id}/unlock", None),
    ("POST", "/copies/{id}/restore", None),
    ("POST", "/copies/{id}/make_base", None),
    ("POST", "/copies/{id}/revert", {"version": 1}),
    ("POST", "/copies/{id}/revert", {"version": 1, "into": "new_copy"}),
    ("PATCH", "/application_forms/{id}", {"external_id": "x"}),
    ("POST", "/application_forms/{id}/restore", None),
    ("POST", "/application_forms/{id}/copies", {}),
    ("POST", "/application_forms", {"answers": {"mqs_business_name": "Written only"}}),
]


@pytest.fixture
def writer(harbor_client: ApiClient) -> Api:
    """Return a client with every right but that to read forms."""
    return Api(harbor_client, [right for right in Right if right is not Right.READ_FORMS])


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_a_write_alone_returns_a_receipt(api: Api, writer: Api, s1: Sample, method: str, path: str, body: Any) -> None:
    copy = api.start(s1)

    response = (writer.patch if method == "PATCH" else writer.post)(path.format(id=copy["id"]), body)

    assert response.status_code in (200, 201), response.content
    assert set(response.json()) == {"id", "version"}
    assert response["ETag"] == f'"{response.json()["version"]}"'


def test_a_repeated_request_returns_the_receipt_again(api: Api, writer: Api, s1: Sample) -> None:
    copy = api.start(s1)
    url = f"/copies/{copy['id']}/answers"

    responses = [
        writer.patch(url, {"answers": {"mqs_business_name": "Once"}}, **{"Idempotency-Key": "receipt"}).json()
        for _ in range(2)
    ]

    assert responses == [{"id": copy["id"], "version": 2}] * 2


def test_revealing_needs_the_right_to_read(api: Api, harbor_client: ApiClient, writer: Api, s1: Sample) -> None:
    copy = api.start(s1)
    api.patch(f"/copies/{copy['id']}/answers", {"answers": {"mqs_owner_ssn": SSN}})
    revealer = Api(harbor_client, [Right.REVEAL_SENSITIVE])

    for caller in (revealer, writer):
        response = caller.post(
            f"/copies/{copy['id']}/reveal", {"path": "mqs_owner_ssn", "purpose": "carrier", "reason": "for the test"}
        )
        assert_problem(response, 403, "missing_right" if b"missing_right" in response.content else "forbidden")
        assert b"987654321" not in response.content
    both = Api(harbor_client, [Right.REVEAL_SENSITIVE, Right.READ_FORMS])
    shown = both.post(
        f"/copies/{copy['id']}/reveal", {"path": "mqs_owner_ssn", "purpose": "carrier", "reason": "for the test"}
    )
    assert shown.json()["value"].replace("-", "") == "987654321"
