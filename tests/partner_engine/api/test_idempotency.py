"""``Idempotency-Key``: a repeated request gets its first response, and has no second effect."""

from __future__ import annotations

from typing import Any

import pytest

from batch.models import IdempotencyRecord
from catalogue.demo import Sample
from copies.models import Copy, CopyRevision
from forms.models import ApplicationForm
from tenants.current_tenant import use_tenant
from tenants.models import ApiClient, Tenant, every_right
from tests.harness.api_client import Api, assert_problem, form_body

pytestmark = pytest.mark.django_db


def comparable(response: Any) -> tuple[int, bytes, dict[str, str]]:
    kept = ("ETag", "Location", "Content-Type", "Cache-Control")
    return response.status_code, response.content, {name: response[name] for name in kept if name in response}


def test_a_form_is_started_once(api: Api, s1: Sample, harbor: Tenant) -> None:
    first = api.post("/application_forms", form_body(s1), Idempotency_Key="one")
    again = api.post("/application_forms", form_body(s1), Idempotency_Key="one")

    assert first.status_code == 201
    assert comparable(again) == comparable(first)
    with use_tenant(harbor):
        assert ApplicationForm.objects.count() == 1


def test_every_write_is_done_once(api: Api, s1: Sample, harbor: Tenant) -> None:
    base = api.start(s1)
    other = api.post(f"/application_forms/{base['id']}/copies", {"title": "Other"}).json()
    requests = [
        ("POST", f"/application_forms/{base['id']}/copies", b'{"title": "Third"}'),
        ("PATCH", f"/copies/{base['id']}/answers", b'{"answers": {"mqs_gl_limit": "l2m"}}'),
        ("PATCH", f"/application_forms/{base['id']}/answers", b'{"answers": {"mqs_gl_limit": "l300"}}'),
        ("PATCH", f"/copies/{base['id']}", b'{"title": "Renamed"}'),
        ("POST", f"/copies/{base['id']}/messages", b'{"text": "x"}'),
        ("POST", f"/copies/{base['id']}/question_sets", b'{"code": "qs_auto"}'),
        ("DELETE", f"/copies/{base['id']}/question_sets/qs_auto", b""),
        ("POST", f"/copies/{base['id']}/events", b'{"kind": "external_transfer"}'),
        ("POST", f"/copies/{base['id']}/lock", b""),
        ("POST", f"/copies/{base['id']}/unlock", b"{}"),
        ("DELETE", f"/copies/{other['id']}", b""),
        ("POST", f"/copies/{other['id']}/restore", b""),
    ]

    for number, (method, path, content) in enumerate(requests):
        first = api.send(method, path, content, Idempotency_Key=f"key-{number}")
        with use_tenant(harbor):
            versions = CopyRevision.objects.count()
        again = api.send(method, path, content, Idempotency_Key=f"key-{number}")

        assert first.status_code in (200, 201, 204), (path, first.content)
        assert comparable(again) == comparable(first), path
        with use_tenant(harbor):
            assert CopyRevision.objects.count() == versions, path


def test_a_repeated_deletion_returns_its_first_response(api: Api, s1: Sample) -> None:
    base = api.start(s1)
    other = api.post(f"/application_forms/{base['id']}/copies", {"title": "Other"}).json()
    first = api.delete(f"/copies/{other['id']}", Idempotency_Key="gone")

    assert comparable(api.delete(f"/copies/{other['id']}", Idempotency_Key="gone")) == comparable(first)
    assert api.delete(f"/copies/{other['id']}", Idempotency_Key="again")["ETag"] == first["ETag"]
    assert "Idempotent-Replayed" not in api.delete(f"/copies/{other['id']}")


def test_a_repeated_request_is_recognized_before_its_if_match(api: Api, s1: Sample) -> None:
    copy = api.start(s1)
    request = ("PATCH", f"/copies/{copy['id']}/answers", b'{"answers": {"mqs_gl_limit": "l2m"}}')
    first = api.send(*request, Idempotency_Key="k", If_Match='"1"')

    assert comparable(api.send(*request, Idempotency_Key="k", If_Match='"1"')) == comparable(first)


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("PATCH", "/copies/{}/answers", b'{"answers": {"mqs_gl_limit": "l300"}}'),
        ("PATCH", "/copies/{}/answers?dry_run=false", b'{"answers": {"mqs_gl_limit": "l2m"}}'),
        ("PATCH", "/copies/{}", b'{"title": "x"}'),
        ("POST", "/application_forms", b"{}"),
    ],
)
def test_the_key_of_another_request_is_refused(
    api: Api, s1: Sample, harbor: Tenant, method: str, path: str, content: bytes
) -> None:
    copy = api.start(s1)
    api.send("PATCH", f"/copies/{copy['id']}/answers", b'{"answers": {"mqs_gl_limit": "l2m"}}', Idempotency_Key="k")

    response = api.send(method, path.format(copy["id"]), content, Idempotency_Key="k")

    assert_problem(response, 422, "idempotency_key_reused")
    assert api.get(f"/copies/{copy['id']}").json()["version"] == 2
    with use_tenant(harbor):
        assert Copy.objects.count() == 1


def test_a_refusal_is_not_stored(api: Api, s1: Sample, harbor: Tenant) -> None:
    copy = api.start(s1)
    url = f"/copies/{copy['id']}/answers"
    assert_problem(api.patch(url, {"answers": {"mqs_x": 1}}, Idempotency_Key="k"), 422, "invalid_answers")

    fixed = api.patch(url, {"answers": {"mqs_gl_limit": "l2m"}}, Idempotency_Key="k")

    assert fixed.status_code == 200
    with use_tenant(harbor):
        assert IdempotencyRecord.objects.count() == 1


def test_keys_belong_to_their_client(api: Api, foreigner: Api, harbor: Tenant, summit: Tenant, s1: Sample) -> None:
    colleague = Api(
        ApiClient.objects.create(
            client_id="second",
            name="Second",
            allowed_scopes=every_right(),
            tenant=harbor,
        )
    )

    forms = [
        caller.post("/application_forms", form_body(s1), Idempotency_Key="k") for caller in (api, colleague, foreigner)
    ]

    assert [response.status_code for response in forms] == [201, 201, 201]
    assert len({response.json()["id"] for response in forms}) == 3


@pytest.mark.parametrize("key", ["", "x" * 256, "two words", "é"])
@pytest.mark.parametrize("path", ["/copies/{}/answers", "/copies/{}/answers?dry_run=true", "/copies/{}/lock"])
def test_a_malformed_key_is_refused(api: Api, s1: Sample, key: str, path: str) -> None:
    copy = api.start(s1)
    method, body = ("POST", b"{}") if path.endswith("lock") else ("PATCH", b'{"answers": {"mqs_mail_city": "Austin"}}')

    response = api.send(method, path.format(copy["id"]), body, Idempotency_Key=key)

    problem = assert_problem(response, 400, "malformed_header")
    assert [fault["path"] for fault in problem["errors"]] == ["Idempotency-Key"]
    assert api.get(f"/copies/{copy['id']}").json() == copy
