"""Rate limits at the API: the headers of every response, the refusal, and who is counted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings
from rest_framework.request import Request
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from catalogue.demo import Sample
from partner_engine.client_addresses import client_address
from partner_engine.rate_limits import subjects
from tenants.limit_models import RateLimit
from tenants.limits import check
from tenants.limits.check import RateLimited
from tenants.limits.memory import LimitMemory, StoredLimits
from tenants.limits.scopes import Limit
from tenants.models import ApiClient, User
from tests.harness.api_client import Api

pytestmark = pytest.mark.usefixtures("limits_on")
HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Window", "X-RateLimit-Remaining")


def limit(monkeypatch: pytest.MonkeyPatch, **amounts: int) -> None:
    """Set limits per minute by scope; addresses are not counted."""
    scopes = {name: Limit(amount=amount, window=60) for name, amount in amounts.items()}
    monkeypatch.setattr(RateLimit, "memory", LimitMemory(lambda: StoredLimits(scopes=scopes)))


def numbers(response: HttpResponse) -> tuple[str | None, ...]:
    return tuple(response.headers.get(name) for name in HEADERS)


def test_every_response_states_the_limit(api: Api) -> None:
    responses = [
        api.get("/me"),
        api.get("/copies/0192f0a0-0000-7000-8000-000000000000"),
        api.get("/nowhere"),
        api.post("/me", {}),
        api.post("/application_forms", {"answers": {"nonsense": 1}}),
    ]

    assert [response.status_code for response in responses] == [200, 404, 404, 405, 422]
    assert [numbers(response)[:2] for response in responses[:4]] == [("100", "60")] * 4
    # The tightest limit that was counted: a form that was refused does not count as created.
    assert numbers(responses[4]) == ("50", "86400", "49")
    assert check.take("form_creation", _caller(api)).remaining == 49  # type: ignore[union-attr]


def _caller(api: Api) -> check.Subject:
    client = ApiClient.objects.get()
    return check.caller_subject(client.as_actor(scopes=[]), client.tenant)


@pytest.mark.django_db
def test_responses_without_a_caller_state_the_limit_too() -> None:
    responses = [Client().get(f"/api/v1/{path}") for path in ("me", "nowhere", "signing_keys", "docs", "schema")]
    wrong = Client().get("/api/v1/me", headers={"Authorization": "Bearer wrong"})

    assert [response.status_code for response in (*responses, wrong)] == [401, 404, 200, 200, 200, 401]
    assert [numbers(response) for response in (*responses, wrong)] == [
        ("100", "60", str(remaining)) for remaining in range(99, 93, -1)
    ]


def test_the_request_above_the_limit_is_refused_with_the_time_to_wait(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, general=3)

    statuses = [api.get("/me").status_code for _ in range(3)]
    refused = api.get("/me")

    assert statuses == [200] * 3
    assert refused.status_code == 429
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert numbers(refused) == ("3", "60", "0")
    assert 50 < int(refused.headers["Retry-After"]) <= 60
    problem = refused.json()
    assert problem["type"] == "urn:partner-engine:problem:rate_limited"
    assert "The limit of 3 per 60 seconds (general) is reached" in problem["detail"]


def test_a_refused_request_changes_nothing(api: Api, s1: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = api.start(s1)
    limit(monkeypatch, general=1)
    api.get("/me")

    assert api.patch(f"/copies/{copy['id']}", {"title": "Too many"}).status_code == 429

    limit(monkeypatch, general=100)
    assert api.get(f"/copies/{copy['id']}").json()["version"] == copy["version"]


def test_callers_do_not_use_up_the_limits_of_others(
    api: Api, foreigner: Api, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, general=1)
    page = Client()
    page.force_login(owner, backend="tenants.backends.EmailBackend")

    def calls() -> list[int]:
        programs = [program.get("/me") for program in (api, foreigner)]
        people = [client.get("/api/v1/me") for client in (page, Client())]
        return [response.status_code for response in (*programs, *people)]

    assert calls() == [200, 200, 200, 401]
    assert calls() == [429] * 4


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("post", "tickets", "tickets"),
        ("post", "webhook_endpoints/0192f0a0-0000-7000-8000-000000000000/test", "webhook_test"),
        ("post", "webhook_endpoints/0192f0a0-0000-7000-8000-000000000000/replay", "webhook_replay"),
        ("get", "copies/0192f0a0-0000-7000-8000-000000000000/decision", "export"),
        ("post", "copies/0192f0a0-0000-7000-8000-000000000000/declines/export", "export"),
        ("post", "application_forms", "form_creation"),
    ],
)
def test_some_routes_have_a_limit_besides_the_general_one(
    api: Api, monkeypatch: pytest.MonkeyPatch, method: str, path: str, scope: str
) -> None:
    limit(monkeypatch, **{scope: 1})

    def call() -> Any:
        return api.get(f"/{path}") if method == "get" else api.post(f"/{path}", {})

    first, second = call(), call()

    assert first.status_code != 429
    assert (second.status_code, f"({scope})" in second.json()["detail"]) == (429, True)
    assert api.get("/me").headers["X-RateLimit-Remaining"] == "98"


def test_searches_count_in_place_of_the_general_limit(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch, general=1, search=3)

    assert [api.get("/search?q=oak").status_code for _ in range(4)] == [200, 200, 200, 429]
    assert api.get("/me").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(("proxies", "passed"), [(0, 3), (1, 3)])
def test_forged_addresses_give_no_further_requests(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, proxies: int, passed: int
) -> None:
    settings.TRUSTED_PROXIES = proxies
    limit(monkeypatch, general=3)

    def call(number: int) -> int:
        # A proxy appends the address that it saw; the client sent the others.
        seen = ", 203.0.113.66" if proxies else ""
        forged = f"198.51.100.{number}, 10.0.0.{number}{seen}"
        return Client().get("/api/v1/me", headers={"X-Forwarded-For": forged}).status_code

    assert [call(number) for number in range(10)].count(401) == passed


@pytest.mark.django_db
def test_behind_a_proxy_each_address_is_counted_on_its_own(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TRUSTED_PROXIES = 1
    limit(monkeypatch, general=1)

    calls = [Client().get("/api/v1/me", headers={"X-Forwarded-For": f"198.51.100.{number}"}) for number in (1, 2, 1)]

    assert [call.status_code for call in calls] == [401, 401, 429]


class _Control(UserRateThrottle):
    """The framework's own throttle, with the same limit."""

    rate = "100/min"

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return "throttle_control"


def _requests(amount: int) -> list[Request]:
    factory = RequestFactory()
    return [Request(factory.get("/api/v1/me", REMOTE_ADDR="198.51.100.9")) for _ in range(amount)]


def _ours(request: Request) -> bool:
    try:
        check.take("general", *subjects(None, None, client_address(request._request)))
    except RateLimited:
        return False
    return True


@pytest.mark.slow
@pytest.mark.django_db
def test_of_200_concurrent_requests_exactly_100_pass_where_the_frameworks_throttle_lets_more_through() -> None:
    cache.delete("throttle_control")
    with ThreadPoolExecutor(16) as crowd:
        ours = sum(crowd.map(_ours, _requests(200)))
        theirs = sum(crowd.map(lambda request: _Control().allow_request(request, APIView()), _requests(200)))

    assert ours == 100
    assert theirs > 100
