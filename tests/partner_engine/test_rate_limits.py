"""Rate limits beyond the API: pages, sign-ins, guests, new forms, and the response when connections run out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg_pool
import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.test import Client, RequestFactory
from pytest_django import Settings

from batch import service as batch
from catalogue.models import Release
from partner_engine.problems import Refused
from partner_engine.rate_limits import count_opened_socket
from tenants.access import Actor
from tenants.backends import EmailBackend
from tenants.limit_models import RateLimit
from tenants.limits.memory import LimitMemory, StoredLimits
from tenants.limits.scopes import SCOPES, Limit
from tenants.models import Tenant, User
from tests.harness.cast import PASSWORD
from tests.harness.guests import follow, issue
from tests.harness.limits import limit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("limits_on")]
DOCS = Path(__file__).parents[2] / "docs" / "limits.md"
BACKEND = "tenants.backends.EmailBackend"


def test_pages_have_a_limit_of_their_own(demo: Release, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    client.force_login(owner, backend=BACKEND)
    limit(monkeypatch, pages=2, general=1)

    responses = [client.get("/") for _ in range(3)]

    assert [response.status_code for response in responses] == [200, 200, 429]
    assert 290 < int(responses[2].headers["Retry-After"]) <= 300
    assert "There were too many requests" in responses[2].content.decode()
    stated = [[response.headers[f"X-RateLimit-{name}"] for name in ("Limit", "Window", "Remaining")]
              for response in responses]  # fmt: skip
    assert stated == [["2", "300", "1"], ["2", "300", "0"], ["2", "300", "0"]]
    assert client.get("/api/v1/me").status_code == 200


def test_probes_are_never_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch, pages=1, general=1)

    assert [Client().get("/healthz").status_code for _ in range(4)] == [200] * 4


def test_a_new_form_above_the_limit_of_the_day_is_refused(
    demo: Release, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client()
    client.force_login(owner, backend=BACKEND)
    limit(monkeypatch, form_creation=1)

    assert [client.post("/forms/new", {"mqs_business_name": "A"}).status_code for _ in range(2)] == [302, 429]


def test_of_many_concurrent_guesses_of_a_password_five_are_checked(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = []
    monkeypatch.setattr(
        "django.contrib.auth.backends.ModelBackend.authenticate", lambda *_, **__: checked.append(1) and None
    )
    backend = EmailBackend()

    def guess(number: int) -> bool:
        request = RequestFactory().post("/sign-in", {"username": owner.email}, REMOTE_ADDR="203.0.113.66")
        try:
            backend.authenticate(request, username=owner.email, password=str(number))
        except PermissionDenied:
            return False
        return True

    with ThreadPoolExecutor(8) as crowd:
        passed = list(crowd.map(guess, range(60)))

    assert passed.count(True) == len(checked) == 5


def test_a_correct_password_is_given_back(owner: User) -> None:
    for _ in range(12):
        response = Client().post("/sign-in", {"username": owner.email, "password": PASSWORD})
        assert response.status_code == 302


def test_refused_sign_ins_state_when_to_try_again(owner: User, settings: Settings) -> None:
    settings.AXES_ENABLED = True
    responses = [Client().post("/sign-in", {"username": owner.email, "password": "wrong"}) for _ in range(6)]

    assert responses[-1].status_code == 429
    assert 890 < int(responses[-1].headers["Retry-After"]) <= 900
    assert "Try again in 15 minutes" in responses[-1].content.decode()


def test_opening_sockets_is_limited_by_caller_behind_the_proxy(
    owner: User, harbor: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, realtime=2)
    handshake = {"headers": [(b"x-forwarded-for", b"198.51.100.1")], "client": ("127.0.0.1", 1)}
    actor = owner.as_actor(source="web")
    for _ in range(2):
        count_opened_socket("realtime", actor=actor, tenant=harbor, handshake=handshake)

    with pytest.raises(Refused) as refused:
        count_opened_socket("realtime", actor=actor, tenant=harbor, handshake=handshake)

    assert (refused.value.status, refused.value.code) == (429, "rate_limited")
    assert set(refused.value.headers) >= {"Retry-After", "X-RateLimit-Limit"}


def test_the_header_of_a_socket_may_have_several_lines(
    harbor: Tenant, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.TRUSTED_PROXIES = 2
    scope = Limit(amount=100, window=300, per_address=2)
    monkeypatch.setattr(RateLimit, "memory", LimitMemory(lambda: StoredLimits(scopes={"realtime": scope})))

    def opened(number: int, spoofed: bytes) -> None:
        lines = [(b"x-forwarded-for", spoofed + b"198.51.100.1"), (b"X-Forwarded-For", b"10.0.0.1")]
        actor = Actor(type="user", id=str(number), source="web")
        count_opened_socket("realtime", actor=actor, tenant=harbor, handshake={"headers": lines, "client": ("::1", 1)})

    opened(1, b"")
    opened(2, b"192.0.2.1, ")
    with pytest.raises(Refused):
        opened(3, b"192.0.2.2, ")


@pytest.mark.parametrize("path", ["/api/v1/me", "/"])
def test_without_a_free_connection_the_response_is_503_with_retry_after(
    owner: User, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(owner, backend=BACKEND)

    def exhausted(*arguments: object) -> None:
        raise OperationalError from psycopg_pool.PoolTimeout("couldn't get a connection after 3.00 sec")

    monkeypatch.setattr("tenants.row_lookup.RowLookup.find", exhausted)

    response = client.get(path)

    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0


def test_the_page_of_the_docs_lists_every_scope_with_its_default() -> None:
    rows = [
        f"| `{scope.name}` | {scope.default.amount:,} | {scope.default.window:,} "
        f"| {'' if scope.default.per_address is None else format(scope.default.per_address, ',')} | {scope.text} |"
        for scope in SCOPES.values()
    ]

    text = DOCS.read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if line.startswith("| `") and line.count("|") == 6] == rows


def test_a_guest_starts_one_session_of_a_copy_in_five_minutes(demo: Release, harbor: Tenant, owner: User) -> None:
    with batch.build_context(scope=harbor, actor=owner.as_actor(source="web")) as context:
        context.save()
        copy_id = str(context.copy.id)
    _, secret = issue(harbor, copy_id)

    wrong = follow(Client(), copy_id, "wrong" * 5)
    first, second = follow(Client(), copy_id, secret), follow(Client(), copy_id, secret)

    # A refused link starts no session and does not count.
    assert (wrong.status_code, first.status_code, second.status_code) == (403, 200, 429)
    assert 290 < int(second.headers["Retry-After"]) <= 300
