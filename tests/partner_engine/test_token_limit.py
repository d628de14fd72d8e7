"""Guessing at ``/o/token/`` is blocked after five attempts; a program with its secret is never blocked for long."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import get_access_token_model
from structlog.testing import capture_logs

from partner_engine.active_users import count_active
from tenants.models import ApiClient, Tenant

pytestmark = pytest.mark.django_db


def ask(client_id: str, secret: str, *, basic: bool = False, **meta: str) -> HttpResponse:
    """Request a token, with id and secret in the body or in the header."""
    body = {"grant_type": "client_credentials"}
    if basic:
        given = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        return Client().post("/o/token/", body, HTTP_AUTHORIZATION=f"Basic {given}", **meta)
    return Client().post("/o/token/", body | {"client_id": client_id, "client_secret": secret}, **meta)


@pytest.mark.parametrize("basic", [True, False])
def test_the_sixth_guess_is_refused_even_if_right(harbor_client: ApiClient, basic: bool) -> None:
    assert [ask("harbor", f"guess {n}", basic=basic).status_code for n in range(5)] == [401] * 5

    with capture_logs() as logs:
        refused = ask("harbor", "harbor-secret", basic=basic)

    assert (refused.status_code, refused.json()["error"]) == (429, "slow_down")
    assert (int(refused["Retry-After"]) > 0, refused["Cache-Control"]) == (True, "no-store")
    assert [entry["event"] for entry in logs if entry["event"].startswith("audit.")] == ["audit.token_guesses_refused"]
    assert "guess" not in str([entry.get("client") for entry in logs])


def test_both_ways_to_send_a_secret_count_as_one(harbor_client: ApiClient) -> None:
    for number in range(5):
        ask("harbor", "wrong", basic=bool(number % 2))

    assert ask("harbor", "wrong").status_code == 429
    assert ask("harbor", "wrong", basic=True).status_code == 429


def test_another_client_and_another_address_are_not_blocked(harbor_client: ApiClient, summit_client: ApiClient) -> None:
    for _ in range(6):
        ask("harbor", "wrong")

    assert ask("summit", "summit-secret").status_code == 200
    assert ask("harbor", "harbor-secret", REMOTE_ADDR="192.0.2.7").status_code == 200


def test_a_header_with_another_address_gives_no_further_attempts(harbor_client: ApiClient) -> None:
    answers = [ask("harbor", "wrong", HTTP_X_FORWARDED_FOR=f"192.0.2.{n}").status_code for n in range(7)]

    assert answers == [401] * 5 + [429] * 2


def test_the_right_secret_can_be_used_without_limit(harbor_client: ApiClient) -> None:
    for _ in range(4):
        ask("harbor", "wrong")

    assert [ask("harbor", "harbor-secret").status_code for _ in range(8)] == [200] * 8


def test_a_request_without_proof_gives_no_further_attempts(harbor_client: ApiClient) -> None:
    for number in range(5):
        if number % 2:
            answer = Client().post("/o/token/", {"grant_type": "password", "client_id": "harbor"})
            assert answer.status_code in (400, 401)
        else:
            ask("harbor", "wrong")

    assert ask("harbor", "harbor-secret").status_code == 429


def test_a_client_whose_only_token_is_revoked_is_not_active(harbor: Tenant, harbor_client: ApiClient) -> None:
    token = ask("harbor", "harbor-secret").json()["access_token"]
    Client().get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert count_active([harbor.id]) == {harbor.id: {"api_client": 1}}
    another = get_access_token_model().objects.create(
        token="another", application=harbor_client, expires=timezone.now() + timedelta(hours=1), scope=""
    )
    secrets = {"client_id": "harbor", "client_secret": "harbor-secret"}

    Client().post("/o/revoke_token/", {"token": token, **secrets})
    assert count_active([harbor.id]) == {harbor.id: {"api_client": 1}}

    another.delete()
    Client().post("/o/revoke_token/", {"token": "unknown", **secrets})
    assert count_active([harbor.id]) == {}
