"""Signing in: sessions and their lock-out, tokens of API clients, and the client addresses of both."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import HttpRequest
from django.test import Client, RequestFactory
from pytest_django import Settings
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.exceptions import PermissionDenied as ApiPermissionDenied
from rest_framework.request import Request

from partner_engine.api.http.authentication import AgentSessionAuthentication, BearerAuthentication
from partner_engine.client_addresses import client_address
from tenants.access import Right
from tenants.models import ApiClient, Tenant, User
from tests.harness.cast import PASSWORD

pytestmark = pytest.mark.django_db
ATTACKER, HOME = "203.0.113.66", "198.51.100.7"


def attempt(email: str, password: str, *, address: str = HOME, forwarded: str = "") -> User | None:
    """Try to sign in; return None for a wrong password and during a lock-out."""
    request = RequestFactory().post("/sign-in", {"username": email, "password": password}, REMOTE_ADDR=address)
    if forwarded:
        request.META["HTTP_X_FORWARDED_FOR"] = forwarded
    try:
        return authenticate(request, username=email, password=password)
    except PermissionDenied:
        return None


class TestLockOut:
    def test_the_right_password_is_accepted_with_any_case_of_the_address(self, owner: User) -> None:
        assert attempt("Owner@HARBOR.example", PASSWORD) == owner

    def test_guessing_blocks_the_right_password_too(self, owner: User) -> None:
        for number in range(5):
            assert attempt(owner.email, f"guess {number}", address=ATTACKER) is None

        assert attempt(owner.email, PASSWORD, address=ATTACKER) is None

    def test_the_owner_is_not_locked_out_from_another_address(self, owner: User) -> None:
        for number in range(20):
            attempt(owner.email, f"guess {number}", address=ATTACKER)

        assert attempt(owner.email, PASSWORD, address=HOME) == owner

    def test_colleagues_at_one_address_are_not_locked_out_together(self, owner: User, member: User) -> None:
        for number in range(5):
            attempt(owner.email, f"guess {number}")

        assert attempt(member.email, PASSWORD) == member

    def test_forged_addresses_give_no_further_attempts(self, owner: User) -> None:
        for number in range(5):
            attempt(owner.email, f"guess {number}", address=ATTACKER, forwarded=f"10.0.0.{number}")

        assert attempt(owner.email, PASSWORD, address=ATTACKER, forwarded="10.0.9.9") is None

    def test_other_spellings_give_no_further_attempts(self, owner: User) -> None:
        for spelling in (str.upper, str.title, str.lower, str.swapcase, str.capitalize):
            attempt(spelling(owner.email), "guess", address=ATTACKER)

        assert attempt(owner.email, PASSWORD, address=ATTACKER) is None

    @pytest.mark.parametrize("email", ["owner@harbor.example", "nobody@harbor.example"])
    def test_a_wrong_password_and_a_wrong_name_cost_one_hash_each(
        self, owner: User, monkeypatch: pytest.MonkeyPatch, email: str
    ) -> None:
        hashed: list[str] = []
        encode = MD5PasswordHasher.encode

        def counted(hasher: MD5PasswordHasher, password: str, salt: str) -> str:
            hashed.append(password)
            return encode(hasher, password, salt)

        monkeypatch.setattr(MD5PasswordHasher, "encode", counted)

        assert attempt(email, "guess") is None

        # The time of the response does not reveal whether an account exists.
        assert hashed == ["guess"]

    def test_an_overlong_name_is_a_wrong_one(self) -> None:
        for number in range(6):
            assert attempt("x" * 300 + "@harbor.example", f"guess {number}", address=ATTACKER) is None

    def test_inactive_users_are_refused(self, owner: User) -> None:
        owner.is_active = False
        owner.save()

        assert attempt(owner.email, PASSWORD) is None


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "", HOME),
        (0, "10.0.0.1", HOME),
        (None, "10.0.0.1", HOME),
        (1, "10.0.0.1", "10.0.0.1"),
        (1, "6.6.6.6, 10.0.0.1", "10.0.0.1"),
        (2, "6.6.6.6, 10.0.0.1, 10.0.0.2", "10.0.0.1"),
        (2, "10.0.0.1", HOME),
        (1, " , ", HOME),
    ],
)
def test_only_our_own_proxies_are_trusted(
    settings: Settings, proxies: int | None, forwarded: str, address: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", REMOTE_ADDR=HOME, headers={"X-Forwarded-For": forwarded})

    assert client_address(request) == address


def ask_token(client_id: str, secret: str, **fields: str) -> Any:
    basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    return Client().post(
        "/o/token/", {"grant_type": "client_credentials", **fields}, headers={"Authorization": f"Basic {basic}"}
    )


def bearer(token: str) -> Request:
    return Request(RequestFactory().get("/api/v1/me", headers={"Authorization": f"Bearer {token}"}))


class TestTokens:
    def test_a_client_gets_a_token_for_its_tenant_with_all_scopes_that_it_requests(
        self, harbor_client: ApiClient, harbor: Tenant
    ) -> None:
        # Only staff grant the right to clone into other tenants.
        granted = set(Right) - {Right.CLONE_TO_TENANTS}

        answer = ask_token("harbor", "harbor-secret", scope=" ".join(granted))

        assert answer.status_code == 200, answer.content
        assert set(answer.json()["scope"].split()) == granted
        request = bearer(answer.json()["access_token"])
        assert BearerAuthentication().authenticate(request) is not None
        http_request = request._request
        assert (http_request.tenant, http_request.actor.id) == (harbor, str(harbor_client.pk))
        assert http_request.actor.rights == granted

    @pytest.mark.parametrize("allowed", [list(Right), [Right.READ_CATALOGUE, Right.REVEAL_SENSITIVE], []])
    def test_a_token_without_requested_scopes_reads_forms_and_catalogue_at_most(
        self, harbor_client: ApiClient, allowed: list[Right]
    ) -> None:
        harbor_client.allowed_scopes = allowed
        harbor_client.save()

        answer = ask_token("harbor", "harbor-secret")

        assert set(answer.json().get("scope", "").split()) == {Right.READ_FORMS, Right.READ_CATALOGUE} & set(allowed)

    @pytest.mark.parametrize("address", ["/o/token/", "/o/revoke_token/"])
    def test_programs_bring_no_csrf_token(self, harbor_client: ApiClient, address: str) -> None:
        fields = {"client_id": "harbor", "client_secret": "harbor-secret", "token": "any"}

        answer = Client(enforce_csrf_checks=True).post(address, {"grant_type": "client_credentials", **fields})

        assert answer.status_code == 200

    def test_the_secret_may_come_in_the_body(self, harbor_client: ApiClient) -> None:
        fields = {"grant_type": "client_credentials", "client_id": "harbor", "client_secret": "harbor-secret"}

        assert Client().post("/o/token/", fields).status_code == 200

    def test_a_token_has_the_requested_scopes(self, harbor_client: ApiClient) -> None:
        token = ask_token("harbor", "harbor-secret", scope="forms:read").json()["access_token"]
        request = bearer(token)

        BearerAuthentication().authenticate(request)

        assert request._request.actor.rights == {Right.READ_FORMS}

    def test_scopes_beyond_the_clients_are_refused(self, harbor_client: ApiClient) -> None:
        harbor_client.allowed_scopes = [Right.READ_FORMS]
        harbor_client.save()

        refused = ask_token("harbor", "harbor-secret", scope="forms:read answers:reveal")

        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")
        assert ask_token("harbor", "harbor-secret").json()["scope"] == "forms:read"

    def test_a_right_removed_from_the_client_is_removed_from_its_tokens(self, harbor_client: ApiClient) -> None:
        token = ask_token("harbor", "harbor-secret", scope="forms:read forms:write").json()["access_token"]
        harbor_client.allowed_scopes = [Right.READ_FORMS]
        harbor_client.save()
        request = bearer(token)

        BearerAuthentication().authenticate(request)

        assert request._request.actor.rights == {Right.READ_FORMS}

    def test_a_wrong_secret_gets_no_token(self, harbor_client: ApiClient) -> None:
        assert ask_token("harbor", "wrong").status_code == 401
        assert ask_token("nobody", "harbor-secret").status_code == 401

    @pytest.mark.parametrize("grant", ["password", "authorization_code", "refresh_token", "implicit", ""])
    def test_there_is_no_other_grant(self, harbor_client: ApiClient, owner: User, grant: str) -> None:
        answer = ask_token(
            "harbor", "harbor-secret", grant_type=grant, username=owner.email, password=PASSWORD, code="x"
        )

        assert answer.status_code in (400, 401)
        assert "access_token" not in answer.json()

    def test_the_database_contains_no_usable_token(self, harbor_client: ApiClient) -> None:
        token = ask_token("harbor", "harbor-secret").json()["access_token"]

        with connection.cursor() as cursor:
            cursor.execute("SELECT row_to_json(t)::text FROM oauth2_provider_accesstoken t")
            ((row,),) = cursor.fetchall()
        assert token not in row

    def test_a_revoked_token_is_refused_at_once(self, harbor_client: ApiClient) -> None:
        token = ask_token("harbor", "harbor-secret").json()["access_token"]
        fields = {"token": token, "client_id": "harbor", "client_secret": "harbor-secret"}

        assert Client().post("/o/revoke_token/", fields).status_code == 200

        with pytest.raises(AuthenticationFailed, match="unknown, expired or revoked"):
            BearerAuthentication().authenticate(bearer(token))

    @pytest.mark.parametrize("token", ["made-up", "", "x" * 10_000, "ünicode", "two words"])
    def test_a_forged_token_is_refused(self, token: str) -> None:
        with pytest.raises(AuthenticationFailed):
            BearerAuthentication().authenticate(bearer(token))

    def test_a_token_in_the_address_is_ignored(self, harbor_client: ApiClient) -> None:
        token = ask_token("harbor", "harbor-secret").json()["access_token"]

        request = Request(RequestFactory().get(f"/api/v1/me?access_token={token}"))

        assert BearerAuthentication().authenticate(request) is None

    def test_identifying_the_caller_takes_one_query(
        self, harbor_client: ApiClient, django_assert_num_queries: Any
    ) -> None:
        request = bearer(ask_token("harbor", "harbor-secret").json()["access_token"])

        with django_assert_num_queries(1):
            BearerAuthentication().authenticate(request)


class TestSessions:
    def session_of(self, user: User) -> Request:
        request: HttpRequest = RequestFactory().get("/api/v1/me")
        request.user = user
        return Request(request)

    def test_an_agent_acts_for_their_tenant(self, owner: User, harbor: Tenant) -> None:
        request = self.session_of(owner)

        assert AgentSessionAuthentication().authenticate(request) == (owner, None)
        assert (request._request.tenant, request._request.actor.source) == (harbor, "api")

    def test_staff_do_not_call_the_api(self, staff: User) -> None:
        with pytest.raises(ApiPermissionDenied, match="Staff accounts have no tenant"):
            AgentSessionAuthentication().authenticate(self.session_of(staff))
