"""Browser programs may use the tokens of the API clients that name their origin, and no other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalogue.models import Release
from partner_engine.cross_origin import known_origins
from partner_engine.known_origins import FRESH_SECONDS, KnownOrigins
from tenants.models import ApiClient
from tests.harness.api_client import Api

pytestmark = pytest.mark.django_db
OWN, OTHERS, STRANGER = "https://quotes.example.com", "https://summit.example.com", "https://evil.example.com"
PREFLIGHT = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization,if-match"}


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    known_origins.forget()
    yield
    known_origins.forget()


@pytest.fixture
def api(demo: Release, harbor_client: ApiClient, summit_client: ApiClient) -> Api:
    ApiClient.objects.filter(pk=harbor_client.pk).update(allowed_origins=f"https://a.example.com\r\n{OWN}")
    ApiClient.objects.filter(pk=summit_client.pk).update(allowed_origins=OTHERS)
    return Api(harbor_client)


def test_a_preflight_of_a_named_origin_is_allowed(api: Api) -> None:
    response = Client().options("/api/v1/me", headers={"Origin": OWN, **PREFLIGHT})

    assert (response.status_code, response["Access-Control-Allow-Origin"]) == (204, OWN)
    assert "PATCH" in response["Access-Control-Allow-Methods"]
    assert {"Authorization", "If-Match", "Idempotency-Key"} <= set(response["Access-Control-Allow-Headers"].split(", "))
    assert "Origin" in response["Vary"]


@pytest.mark.parametrize("origin", [STRANGER, "https://quotes.example.co", f"{OWN}.evil.example.com", "null"])
def test_a_preflight_of_another_origin_is_not(api: Api, origin: str) -> None:
    response = Client().options("/api/v1/me", headers={"Origin": origin, **PREFLIGHT})

    assert "Access-Control-Allow-Origin" not in response.headers


def test_a_response_is_for_the_origins_of_its_client(api: Api) -> None:
    allowed = [api.get("/me", Origin=origin).headers.get("Access-Control-Allow-Origin") for origin in (OWN, OTHERS)]

    assert allowed == [OWN, None]
    refused = Client().get("/api/v1/me", headers={"Origin": OWN, "Authorization": "Bearer nonsense"})
    assert (refused.status_code, refused["Access-Control-Allow-Origin"]) == (401, OWN)
    assert "Access-Control-Allow-Credentials" not in refused.headers


def test_an_inactive_client_and_pages_allow_nothing(api: Api) -> None:
    page = Client().get("/sign-in", headers={"Origin": OWN})
    ApiClient.objects.update(is_active=False)
    response = Client().options("/api/v1/me", headers={"Origin": OWN, **PREFLIGHT})

    assert page.status_code == 200
    assert "Access-Control-Allow-Origin" not in page.headers
    assert "Access-Control-Allow-Origin" not in response.headers


def test_many_preflights_read_the_origins_once(api: Api) -> None:
    with CaptureQueriesContext(connection) as queries:
        statuses = [
            Client().options("/api/v1/me", headers={"Origin": origin, **PREFLIGHT}).status_code
            for origin in (f"https://{'x' * 255}.example.com", OWN, OTHERS, OWN)
        ]

    assert statuses[1:] == [204] * 3
    assert sum("allowed_origins" in query["sql"] for query in queries) == 1


def test_origins_are_read_again_after_some_seconds_and_hold_while_the_database_is_away() -> None:
    now, answers = [0.0], [frozenset({OWN}), frozenset({OTHERS})]

    def read() -> frozenset[str]:
        if not answers:
            raise DatabaseError
        return answers.pop(0)

    origins = KnownOrigins(read, clock=lambda: now[0])
    seen = []
    for seconds in (0.0, FRESH_SECONDS / 2, FRESH_SECONDS, 3 * FRESH_SECONDS):
        now[0] = seconds
        seen.append(origins.known())

    assert seen == [{OWN}, {OWN}, {OTHERS}, {OTHERS}]


def test_vary_names_the_origin_once(api: Api) -> None:
    names = api.get("/me", Origin=OWN)["Vary"].lower().split(", ")

    assert (names.count("origin"), "authorization" in names) == (1, True)
