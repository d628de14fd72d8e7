"""Requests of programs pass the middleware of sessions by, and get the response that they got through it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from catalogue.demo import Sample
from catalogue.models import Release
from partner_engine import page_middleware
from partner_engine.api.urls import ROUTES
from partner_engine.page_middleware import is_of_program
from tenants.models import ApiClient, User
from tests.harness.api_client import NOBODY, V1, Api

BEARER = {"Authorization": "Bearer x"}
#: What differs from one request to the next.
_OF_ONE_REQUEST = ("X-Correlation-ID", "X-RateLimit-Remaining")


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        ("/api/v1/me", BEARER, True),
        ("/api/v1/me", {"Authorization": ""}, True),
        ("/api/v1/me", {}, False),
        ("/api/v1/me", {**BEARER, "Cookie": ""}, True),
        ("/api/v1/me", {**BEARER, "Cookie": "sessionid=x"}, False),
        ("/api", BEARER, False),
        ("/admin/", BEARER, False),
        ("/forms/api/v1", BEARER, False),
    ],
)
def test_a_program_sends_credentials_to_the_api_and_no_cookie(
    path: str, headers: dict[str, str], *, expected: bool
) -> None:
    assert is_of_program(RequestFactory().get(path, headers=headers)) is expected


def test_the_path_counts_below_the_prefix_of_the_product() -> None:
    below = {"SCRIPT_NAME": "/engine", "PATH_INFO": "/api/v1/me"}
    beside = {"SCRIPT_NAME": "/api", "PATH_INFO": "/forms/"}

    assert is_of_program(RequestFactory(**below).get("/api/v1/me", headers=BEARER, **below))
    assert not is_of_program(RequestFactory().get("/forms/", headers=BEARER, **beside))


def test_a_program_has_no_session_and_is_nobody_until_its_token_is_read() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        assert isinstance(request.user, AnonymousUser)
        assert not hasattr(request, "session")
        assert not hasattr(request, "_messages")
        return HttpResponse(headers={"Vary": "Authorization"})

    chain: Any = view
    for middleware in ("Messages", "SecondFactors", "SessionUsers", "Sessions"):
        chain = getattr(page_middleware, middleware)(chain)

    assert chain(RequestFactory().get("/api/v1/me", headers=BEARER))["Vary"] == "Authorization, Cookie"


@pytest.mark.django_db
def test_a_session_counts_beside_a_token(demo: Release, harbor_client: ApiClient, owner: User) -> None:
    browser = Client()
    browser.force_login(owner, backend="tenants.backends.EmailBackend")

    # A wrong token is refused, also with a session; another scheme is left to the session, as without the header.
    assert browser.get(f"{V1}/me", headers={"Authorization": "Bearer nonsense"}).status_code == 401
    assert browser.get(f"{V1}/me", headers={"Authorization": "Basic nonsense"}).status_code == 200
    assert Client().get(f"{V1}/me", headers={"Authorization": "Basic nonsense"}).status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize("caller", ["token", "wrong token", "another scheme"])
def test_responses_are_those_of_the_whole_middleware(
    caller: str, demo: Release, harbor_client: ApiClient, s1: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Api(harbor_client)
    copy = api.start(s1)
    authorization = {"token": f"Bearer {api.token}", "wrong token": "Bearer x", "another scheme": "Basic x"}[caller]
    client = Client(raise_request_exception=False, headers={"Authorization": authorization})

    def send(method: str, path: str, **more: Any) -> tuple[Any, ...]:
        response: Any = client.generic(method, path, **more)
        headers = {name: value for name, value in response.headers.items() if name not in _OF_ONE_REQUEST}
        content = b"".join(response) if response.streaming else response.content
        return (
            response.status_code,
            headers,
            response.cookies.output(),
            content.replace(response["X-Correlation-ID"].encode(), b""),
        )

    def send_all() -> list[tuple[Any, ...]]:
        paths = [V1 + "/" + _path(route, copy["id"]) for route, _ in ROUTES.values()]
        nobodys = [V1 + "/" + _path(route, NOBODY) for route, _ in ROUTES.values() if "<" in route]
        form = {"data": "a=b", "content_type": "application/x-www-form-urlencoded"}
        empty = {"data": json.dumps({}), "content_type": "application/json"}
        return [
            *[send("GET", path) for path in [*paths, "/api/v2", f"{V1}/nothing", "/api/"]],
            *[send(method, f"{V1}/copies/{copy['id']}/answers", **empty) for method in ("PATCH", "POST", "OPTIONS")],
            *[send(method, path, **empty) for path in nobodys for method in ("POST", "PATCH", "PUT", "DELETE")],
            send("POST", f"{V1}/application_forms", **form),
        ]

    passing_by = send_all()
    monkeypatch.setattr(page_middleware, "is_of_program", lambda request: False)
    sessions: list[HttpRequest] = []
    load = SessionMiddleware.process_request
    monkeypatch.setattr(
        SessionMiddleware, "process_request", lambda self, request: (sessions.append(request), load(self, request))[1]
    )
    through = send_all()

    assert len(sessions) == len(through)
    for ours, theirs in zip(passing_by, through, strict=True):
        assert ours == theirs


def _path(route: str, copy_id: str) -> str:
    """Return a path of the route: the first id is that of a copy, others are nobody's."""
    return re.sub(r"<id:\w+>", NOBODY, route.replace("<id:id>", copy_id)).replace("<slug:code>", "qs_auto")
