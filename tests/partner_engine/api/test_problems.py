"""Every error is a problem, for any request to any address."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.http import HttpRequest
from django.test import Client

from catalogue.demo import Sample
from partner_engine.api.application_forms import ApplicationForms
from partner_engine.api.http.endpoint import MAX_BODY_BYTES
from partner_engine.api.me import Me
from tests.harness.api_client import V1, Api, assert_problem

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path", ["/api/v1/nothing", "/api/v1/", "/api/v1/copies/7", "/api/", "/api/v2/me", "/api/v1/me/x"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS"])
def test_unknown_addresses(path: str, method: str) -> None:
    response = Client(raise_request_exception=False).generic(method, path)

    problem = assert_problem(response, 404, "not_found")
    assert problem["instance"] == path


def test_an_anonymous_caller() -> None:
    response = Client().get(f"{V1}/me")

    assert_problem(response, 401, "not_authenticated")
    assert response["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("authorization", ["Bearer x", "bearer ", "Bearer a b", "Bearer " + "x" * 5_000])
def test_an_invalid_token(authorization: str) -> None:
    response = Client(raise_request_exception=False).get(f"{V1}/me", headers={"Authorization": authorization})

    assert_problem(response, 401, "authentication_failed")


def test_a_method_that_is_not_served(api: Api) -> None:
    response = api.send("PUT", "/me", b"{}")

    assert_problem(response, 405, "method_not_allowed")
    assert "GET" in response["Allow"]


def test_an_unavailable_format(api: Api) -> None:
    assert_problem(api.get("/me", Accept="text/html"), 406, "not_acceptable")
    assert api.get("/me", Accept="application/problem+json, */*;q=0.1").status_code == 200


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
def test_a_body_of_another_content_type(api: Api, content_type: str) -> None:
    response = api.send("POST", "/application_forms", b"{}", content_type=content_type)

    assert_problem(response, 415, "unsupported_media_type")


def test_json_with_a_charset_is_json(api: Api) -> None:
    response = api.send("POST", "/application_forms", b"{}", content_type="Application/JSON; charset=utf-8")

    assert response.status_code == 201


def test_a_body_that_is_too_large(api: Api) -> None:
    response = api.send("POST", "/application_forms", b" " * (MAX_BODY_BYTES + 1))

    assert_problem(response, 413, "body_too_large")


def test_too_many_requests_name_the_time_to_retry(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def allow_request(self, request: object, view: object) -> bool:
            return False

        def wait(self) -> float:
            return 2.5

    monkeypatch.setattr(Me, "throttle_classes", [Full])

    response = api.get("/me")

    assert_problem(response, 429, "throttled")
    assert response["Retry-After"] == "3"


@pytest.mark.parametrize("parameter", ["q", "line", "owner", "cursor", "state", "order"])
@pytest.mark.parametrize("value", ["%00", "%ff%fe", "%F0%9F%92%A5", "'%3B--", "%25%25", "x" * 5_000])
def test_hostile_queries_are_refused(api: Api, parameter: str, value: str) -> None:
    response = api.get(f"/application_forms?{parameter}={value}")

    assert response.status_code in (200, 400), response.content
    if value == "%00":
        assert_problem(response, 400, "invalid_query")


@pytest.mark.parametrize(
    "content",
    [b"", b"grant_type=client_credentials&scope=%00", b"grant_type=%ff", b'{"grant_type": NaN}', b"a=b&" * 5_000],
)
@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "application/json", "multipart/form-data"]
)
def test_hostile_requests_for_a_token_are_refused(content: bytes, content_type: str) -> None:
    response = Client(raise_request_exception=False).generic("POST", "/o/token/", content, content_type)

    assert 400 <= response.status_code < 500, response.content


def test_a_server_error_reveals_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object, request: HttpRequest) -> None:
        raise RuntimeError("secret detail 123-45-6789")

    monkeypatch.setattr(Me, "get", fail)

    response = api.get("/me")

    problem = assert_problem(response, 500, "internal_error")
    assert "secret" not in response.content.decode()
    assert problem["errors"] == []


def test_a_database_that_is_away(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object, request: HttpRequest) -> None:
        raise OperationalError("connection to server at 10.0.0.1 failed")

    monkeypatch.setattr(ApplicationForms, "get", fail)

    response = api.get("/application_forms")

    problem = assert_problem(response, 503, "unavailable")
    assert response["Retry-After"] == "2"
    assert "10.0.0.1" not in problem["detail"]


def test_the_correlation_id_is_adopted_and_returned(api: Api) -> None:
    response = api.get("/nothing", X_Correlation_ID="caller-7")

    assert response["X-Correlation-ID"] == "caller-7"
    assert assert_problem(response, 404, "not_found")["correlation_id"] == "caller-7"


def test_a_trailing_slash_works_too(api: Api, s1: Sample) -> None:
    copy = api.start(s1)

    assert api.get("/me/").json() == api.get("/me").json()
    assert api.get(f"/copies/{copy['id']}/").json() == copy
    assert api.patch(f"/copies/{copy['id']}/answers/", {"answers": {}}).status_code == 200
