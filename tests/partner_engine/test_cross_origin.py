"""Browser programs may use the tokens of the API clients that name their origin, and no other."""

from __future__ import annotations

import pytest
from django.test import Client

from catalogue.models import Release
from tenants.models import ApiClient
from tests.harness.api_client import Api

pytestmark = pytest.mark.django_db
OWN, OTHERS, STRANGER = "https://quotes.example.com", "https://summit.example.com", "https://evil.example.com"
PREFLIGHT = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization,if-match"}


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
    page = Client().get("/login", headers={"Origin": OWN})
    ApiClient.objects.update(is_active=False)
    response = Client().options("/api/v1/me", headers={"Origin": OWN, **PREFLIGHT})

    assert "Access-Control-Allow-Origin" not in page.headers
    assert "Access-Control-Allow-Origin" not in response.headers
