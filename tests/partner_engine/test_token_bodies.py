"""``POST /o/token/`` and ``/o/revoke_token/`` with hostile bodies: refused, never failed."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.test import Client

from tenants.models import ApiClient

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"
GOOD = b"grant_type=client_credentials&client_id=harbor&client_secret=harbor-secret"
HOSTILE = [
    pytest.param(b"", FORM, id="empty"),
    pytest.param(b"grant_type", FORM, id="no value"),
    pytest.param(b"grant_type=client_credentials", FORM, id="nobody"),
    pytest.param(b"\x00\xff\xfe", FORM, id="bytes that are no text"),
    pytest.param(b"grant_type=%00&client_id=%00&client_secret=%00", FORM, id="NUL"),
    pytest.param(GOOD.replace(b"harbor&", b"harbor%00&"), FORM, id="NUL in the client"),
    pytest.param(GOOD.replace(b"harbor-secret", b"harbor-secret%00"), FORM, id="NUL in the secret"),
    pytest.param(GOOD + b"&scope=%00", FORM, id="NUL in the scope"),
    pytest.param(GOOD.replace(b"harbor&", b"%ED%A0%80&"), FORM, id="lone surrogate"),
    pytest.param(GOOD.replace(b"harbor&", b"%FF%FE&"), FORM, id="no UTF-8"),
    pytest.param(GOOD + b"&grant_type=password", FORM, id="a field twice"),
    pytest.param(GOOD + b"&client_id=summit", FORM, id="two clients"),
    pytest.param(GOOD + b"&scope=%s" % (b"x" * 5_000), FORM, id="long scope"),
    pytest.param(GOOD + b"&scope=unheard:of", FORM, id="unknown scope"),
    pytest.param(GOOD + b"&scope=" + "ünicode".encode(), FORM, id="scope outside of ASCII"),
    pytest.param(b"client_id=" + b"x" * 100_000, FORM, id="long client"),
    pytest.param(b"&".join(b"a%d=1" % number for number in range(2_000)), FORM, id="many fields"),
    pytest.param(b'{"grant_type": "client_credentials"}', "application/json", id="JSON"),
    pytest.param(b'{"a": ' + b"[" * 5_000, "application/json", id="deep JSON"),
    pytest.param(GOOD, "text/plain", id="other type"),
    pytest.param(GOOD, "multipart/form-data", id="multipart without boundary"),
    pytest.param(b"--x\r\nbroken", "multipart/form-data; boundary=x", id="broken multipart"),
    pytest.param(b"x" * 3_000_000, FORM, id="3 MB"),
    pytest.param(b"a=" + b"x" * 3_000_000, "multipart/form-data; boundary=x", id="3 MB in parts"),
]


def send(path: str, body: bytes, content_type: str, **headers: str) -> HttpResponse:
    """Send ``body`` unchanged."""
    return Client(raise_request_exception=False).generic("POST", path, body, content_type, headers=headers)


def assert_refused(response: HttpResponse) -> None:
    """Check that this is a 4xx without a token."""
    assert 400 <= response.status_code < 500, (response.status_code, response.content[:300])
    assert b"access_token" not in response.content


@pytest.mark.parametrize(("body", "content_type"), HOSTILE)
def test_a_hostile_body_gets_no_token(harbor_client: ApiClient, body: bytes, content_type: str) -> None:
    assert_refused(send("/o/token/", body, content_type))


@pytest.mark.parametrize(("body", "content_type"), HOSTILE)
def test_a_hostile_body_revokes_nothing(harbor_client: ApiClient, body: bytes, content_type: str) -> None:
    assert_refused(send("/o/revoke_token/", body.replace(b"harbor-secret", b"wrong"), content_type))


@pytest.mark.parametrize(
    "given",
    [
        "Basic AGE6Yg==",
        "Basic aGFyJTAwYm9yOng=",  # har%00bor:x
        "Basic\x00",
        "Basic",
        "Basic x",
        "Basic ////",
        "Basic AAAA",
        "Basic \x80",
        "Bearer x",
        "Digest a=b",
        "Basic " + "A" * 9_000,
    ],
)
def test_a_broken_authorization_gets_no_token(harbor_client: ApiClient, given: str) -> None:
    response = send("/o/token/", b"grant_type=client_credentials", FORM, Authorization=given)

    assert_refused(response)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_only_a_post_gets_a_token(method: str) -> None:
    response = Client(raise_request_exception=False).generic(method, "/o/token/", GOOD, FORM)

    assert response.status_code == 405


@pytest.mark.parametrize("content_type", [FORM, f"{FORM}; charset=utf-8", f"{FORM}; charset=unheard-of"])
def test_the_same_request_with_valid_values_gets_a_token(harbor_client: ApiClient, content_type: str) -> None:
    response = send("/o/token/", GOOD, content_type)

    assert (response.status_code, response["Cache-Control"]) == (200, "no-store")
    assert response.json()["token_type"] == "Bearer"
