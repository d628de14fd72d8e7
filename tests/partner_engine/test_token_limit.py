"""Guessing at ``/o/token/`` is blocked after five attempts; a program with its secret is never blocked for long."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import get_access_token_model
from structlog.testing import capture_logs

from partner_engine.active_users import count_active
from tenants.limits.scopes import AUTH, SCOPES
from tenants.models import ApiClient, Tenant, User
from tests.harness.cast import PASSWORD

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
    for number in range(9):
        if number % 2:
            answer = Client().post("/o/token/", {"grant_type": "password", "client_id": "harbor"})
            assert answer.status_code == 400
        else:
            ask("harbor", "wrong")

    assert ask("harbor", "harbor-secret").status_code == 429


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"grant_type": "client_credentials", "scope": "forms:fly"}, "invalid_scope"),
        ({"grant_type": "client_credentials", "resource": "x"}, "invalid_target"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "unsupported_grant_type"),
        ({}, "invalid_request"),
    ],
)
def test_only_a_wrong_secret_counts(harbor_client: ApiClient, body: dict[str, str], error: str) -> None:
    secrets = {"client_id": "harbor", "client_secret": "harbor-secret"}

    for _ in range(8):
        response = Client().post("/o/token/", body | secrets)
        assert (response.status_code, response.json()["error"]) == (400, error)

    assert ask("harbor", "harbor-secret").status_code == 200


@pytest.mark.parametrize("basic", [True, False])
def test_guesses_at_the_revocation_count_as_well(harbor_client: ApiClient, basic: bool) -> None:
    def guess(number: int) -> HttpResponse:
        if basic:
            given = base64.b64encode(f"harbor:wrong {number}".encode()).decode()
            return Client().post("/o/revoke_token/", {"token": "x"}, HTTP_AUTHORIZATION=f"Basic {given}")
        body = {"token": "x", "client_id": "harbor", "client_secret": f"wrong {number}"}
        return Client().post("/o/revoke_token/", body)

    assert [guess(number).status_code for number in range(7)] == [401] * 5 + [429] * 2
    assert ask("harbor", "harbor-secret").status_code == 429


@pytest.mark.parametrize("path", ["/o/token/", "/o/revoke_token/"])
@pytest.mark.parametrize(
    ("in_header", "in_body"),
    [
        ("nobody:x", {"client_id": "harbor", "client_secret": "harbor-secret"}),
        ("nobody:x", {"client_id": "harbor"}),
        ("harbor:harbor-secret", {"client_id": "harbor", "client_secret": "harbor-secret"}),
        ("harbor:harbor-secret", {"client_secret": "harbor-secret"}),
    ],
)
def test_two_clients_in_one_request_are_refused(
    harbor_client: ApiClient, path: str, in_header: str, in_body: dict[str, str]
) -> None:
    given = base64.b64encode(in_header.encode()).decode()
    body = {"grant_type": "client_credentials", "token": "x", **in_body}

    response = Client().post(path, body, HTTP_AUTHORIZATION=f"Basic {given}")

    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_a_client_may_name_itself_again_in_the_body(harbor_client: ApiClient) -> None:
    given = base64.b64encode(b"harbor:harbor-secret").decode()
    body = {"grant_type": "client_credentials", "client_id": "harbor"}

    assert Client().post("/o/token/", body, HTTP_AUTHORIZATION=f"Basic {given}").status_code == 200


@pytest.mark.parametrize("scheme", ["basic", "BASIC", "bAsIc"])
def test_the_scheme_of_the_header_has_no_case(harbor_client: ApiClient, scheme: str) -> None:
    given = base64.b64encode(b"harbor:harbor-secret").decode()

    response = Client().post("/o/token/", {"grant_type": "client_credentials"}, HTTP_AUTHORIZATION=f"{scheme} {given}")

    assert response.status_code == 200


@pytest.mark.parametrize("basic", [True, False])
@pytest.mark.parametrize("path", ["/o/token/", "/o/revoke_token/"])
def test_known_unknown_and_inactive_clients_cost_one_hash_each(
    harbor_client: ApiClient, summit_client: ApiClient, monkeypatch: pytest.MonkeyPatch, path: str, basic: bool
) -> None:
    ApiClient.objects.filter(pk=summit_client.pk).update(is_active=False)
    hashed: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(hasher: MD5PasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return encode(hasher, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    for client_id in ("harbor", "nobody", "summit", ""):
        body = {"grant_type": "client_credentials", "token": "x"}
        headers = {}
        if basic:
            headers["Authorization"] = f"Basic {base64.b64encode(f'{client_id}:guess'.encode()).decode()}"
        else:
            body |= {"client_id": client_id, "client_secret": "guess"}
        hashed.clear()

        response = Client().post(path, body, headers=headers)

        assert (response.status_code, hashed) == (401, ["guess"]), client_id


def test_an_address_has_one_count_for_all_names_and_clients(
    harbor_client: ApiClient, owner: User, limits_on: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = SCOPES[AUTH].default
    monkeypatch.setitem(SCOPES, AUTH, replace(SCOPES[AUTH], default=replace(limit, per_address=8)))
    for number in range(4):
        assert ask(f"nobody {number}", "wrong").status_code == 401
        sent = {"username": f"nobody{number}@harbor.example", "password": "wrong"}
        assert Client().post("/sign-in", sent).status_code == 200

    assert ask("harbor", "harbor-secret").status_code == 429
    assert Client().post("/sign-in", {"username": owner.email, "password": PASSWORD}).status_code == 429
    assert ask("harbor", "harbor-secret", REMOTE_ADDR="192.0.2.7").status_code == 200


def test_right_secrets_do_not_use_up_the_count_of_their_address(
    harbor_client: ApiClient, limits_on: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = SCOPES[AUTH].default
    monkeypatch.setitem(SCOPES, AUTH, replace(SCOPES[AUTH], default=replace(limit, per_address=3)))

    assert [ask("harbor", "harbor-secret").status_code for _ in range(8)] == [200] * 8


def test_every_error_is_json_that_nobody_stores(harbor_client: ApiClient) -> None:
    good = {"grant_type": "client_credentials", "client_id": "harbor", "client_secret": "harbor-secret"}
    responses = [
        Client().post("/o/token/", good | {"client_secret": "wrong"}),
        Client().post("/o/token/", good | {"scope": "x"}),
        Client().post("/o/token/", good | {"resource": "x"}),
        Client().post("/o/token/?client_id=harbor&client_secret=harbor-secret", good),
        Client().post("/o/token/", b"{}", content_type="application/json"),
        Client().post("/o/token/", {}),
        Client().post("/o/revoke_token/", {"token": "x"}),
        Client().post("/o/revoke_token/", {}),
    ]

    for response in responses:
        assert response.status_code in (400, 401)
        assert (response["Content-Type"], response["Cache-Control"]) == ("application/json", "no-store")
        assert response.json()["error"]
        if response.status_code == 401:
            assert response["WWW-Authenticate"].startswith("Basic ")


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
