"""Access that is withdrawn while something runs: downloads and operations stop, with the reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from operations.models import BatchOperation
from tenants.access import Right
from tenants.current_tenant import across_tenants
from tenants.models import ApiClient, User
from tests.harness.api_client import Api, assert_problem
from tests.harness.limits import limit
from tests.partner_engine.api.test_batch_operations import NAME, body, copies, started, submitted, work

__all__ = ["copies", "started"]
pytestmark = pytest.mark.django_db


def one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make each part of a download one row."""
    monkeypatch.setattr("operations.submission.results.PAGE", 1)
    monkeypatch.setattr("operations.imports.failed_file.PAGE", 1)


@pytest.mark.parametrize("loss", ["token", "client", "right"])
@pytest.mark.parametrize("path", ["results", "results?format=csv", "failed.csv"])
def test_a_download_stops_when_its_access_is_withdrawn(
    api: Api, copies: list[str], harbor_client: ApiClient, monkeypatch: pytest.MonkeyPatch, path: str, loss: str
) -> None:
    items = [{"id": copy, "answers": {"mqs_annual_revenue": NAME}} for copy in copies]
    identity = submitted(api, body(copies, items=items))
    work()
    one_after_the_other(monkeypatch)
    file = api.get(f"/batch_operations/{identity}/{path}")
    parts = iter(file.streaming_content)

    next(parts)
    if loss == "token":
        get_access_token_model().objects.filter(token=api.token).delete()
    elif loss == "client":
        ApiClient.objects.update(is_active=False)
    else:
        scopes = [right.value for right in Right if right != Right.READ_PERSONAL]
        ApiClient.objects.update(allowed_scopes=scopes)
    rest = list(parts)

    assert len(rest) == 1
    assert b"access_withdrawn" in rest[0]
    assert rest[0].endswith(b"\n")
    assert b"Vellichor" not in rest[0]


def test_a_download_whose_token_merely_expires_goes_on(
    api: Api, copies: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = submitted(api, body(copies))
    work()
    one_after_the_other(monkeypatch)
    token = get_access_token_model().objects.get(token=api.token)
    parts = iter(api.get(f"/batch_operations/{identity}/results").streaming_content)

    next(parts)
    token.expires = timezone.now()
    token.save()
    token.delete()
    rest = list(parts)

    assert [json.loads(part)["number"] for part in rest] == [1]


def test_downloads_count_as_exports(
    api: Api, copies: list[str], limits_on: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = submitted(api, body(copies))
    limit(monkeypatch, export=2)

    paths = [f"/batch_operations/{identity}/{name}" for name in ("results", "failed.csv", "results?format=csv")]

    assert [api.get(path).status_code for path in paths] == [200, 200, 429]


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        ("token", "The token of the API client that submitted it was revoked."),
        ("secret", "The token of the API client that submitted it was revoked."),
        ("client", "The API client that submitted it was deactivated."),
        ("deleted", "The API client that submitted it no longer exists."),
    ],
)
def test_what_a_client_has_begun_stops_with_its_access(
    api: Api, copies: list[str], harbor_client: ApiClient, loss: str, reason: str
) -> None:
    identity = submitted(api, body(copies))
    if loss == "client":
        ApiClient.objects.update(is_active=False)
    elif loss == "deleted":
        ApiClient.objects.all().delete()
    elif loss == "secret":
        get_access_token_model().objects.filter(application=harbor_client).delete()
    else:
        sent = {"token": api.token, "client_id": "harbor", "client_secret": "harbor-secret"}
        assert Client().post("/o/revoke_token/", sent).status_code == 200

    work()

    with across_tenants(using="default"):
        operation = BatchOperation.objects.get(pk=identity)
        assert (operation.cancelled, operation.completed, operation.stopped_reason) == (2, 0, reason)


def let_expire(identity: str) -> None:
    """Let the time of the token have passed with which the operation was submitted."""
    expired = timezone.now() - timedelta(seconds=1)
    get_access_token_model().objects.update(expires=expired)
    with across_tenants(using="default"):
        operation = BatchOperation.objects.get(pk=identity)
        operation.options["token"]["expires_at"] = expired.isoformat()
        operation.save(update_fields=["options"])


@pytest.mark.parametrize("loss", ["token", "secret", "secret after it expired"])
def test_a_revoked_token_has_no_power_after_its_time_either(
    api: Api, copies: list[str], harbor_client: ApiClient, staff: User, sign_in: Callable[[User], Client], loss: str
) -> None:
    identity = submitted(api, body(copies))
    if loss == "token":
        sent = {"token": api.token, "client_id": "harbor", "client_secret": "harbor-secret"}
        assert Client().post("/o/revoke_token/", sent).status_code == 200
    else:
        if loss == "secret after it expired":
            let_expire(identity)
            get_access_token_model().objects.all().delete()
        address = reverse("admin:tenants_apiclient_new_secret", args=(harbor_client.pk,))
        assert sign_in(staff).post(address).status_code == 200
    let_expire(identity)

    work()

    with across_tenants(using="default"):
        operation = BatchOperation.objects.get(pk=identity)
    assert (operation.cancelled, operation.completed) == (2, 0)
    assert operation.stopped_reason == "The token of the API client that submitted it was revoked."


def test_an_operation_outlives_the_token_it_was_submitted_with(api: Api, copies: list[str]) -> None:
    identity = submitted(api, body(copies))
    let_expire(identity)
    get_access_token_model().objects.all().delete()

    work()

    with across_tenants(using="default"):
        assert BatchOperation.objects.get(pk=identity).completed == 1


def test_a_deactivated_client_gets_no_token_and_its_token_is_refused(api: Api, harbor_client: ApiClient) -> None:
    harbor_client.is_active = False
    harbor_client.save()

    assert_problem(api.get("/me"), 401, "authentication_failed")
    sent = {"grant_type": "client_credentials", "client_id": "harbor", "client_secret": "harbor-secret"}
    assert Client().post("/o/token/", sent).status_code == 401
