"""``/healthz``, ``/readyz`` and ``/metrics``."""

from __future__ import annotations

import pytest
import redis
from django.db import connections
from django.test import Client
from redis.backoff import NoBackoff
from redis.exceptions import OutOfMemoryError, ReadOnlyError, ResponseError
from redis.retry import Retry

from tests.harness.cast import SECOND_DATABASE

BOTH = ["default", SECOND_DATABASE]


def test_a_living_process_reports_it_without_other_services(client: Client) -> None:
    # Without the mark for databases a query fails the test.
    response = client.get("/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "live"})


@pytest.mark.django_db(databases=BOTH)
def test_ready_when_all_parts_respond(client: Client) -> None:
    response = client.get("/readyz")

    assert (response.status_code, response.json()) == (
        200,
        {"status": "ready", "parts": {"database:default": "ok", "database:summit_db": "ok", "redis": "ok"}},
    )
    assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db(databases=BOTH)
def test_not_ready_names_the_cache_that_is_away(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("partner_engine.health.get_redis_connection", _unreachable)

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json()["parts"] == {"database:default": "ok", "database:summit_db": "ok", "redis": "failed"}
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("error", [ReadOnlyError, OutOfMemoryError, ResponseError])
@pytest.mark.django_db(databases=BOTH)
def test_a_redis_that_refuses_writes_is_degraded(
    client: Client, monkeypatch: pytest.MonkeyPatch, error: type[ResponseError]
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise error("NOREPLICAS Not enough good replicas to write.")

    monkeypatch.setattr(redis.Redis, "set", refuse)

    response = client.get("/readyz")

    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert response.json()["parts"]["redis"] == "degraded"


@pytest.mark.django_db(databases=BOTH, transaction=True)
def test_not_ready_names_the_tenants_database_that_is_away(client: Client) -> None:
    broken = connections[SECOND_DATABASE]
    port, broken.settings_dict["PORT"] = broken.settings_dict["PORT"], 1
    broken.close()
    try:
        response = client.get("/readyz")
    finally:
        broken.settings_dict["PORT"] = port
        broken.close()

    assert response.status_code == 503
    assert response.json()["parts"] == {"database:default": "ok", "database:summit_db": "failed", "redis": "ok"}


def test_health_refuses_writes(client: Client) -> None:
    assert client.post("/healthz").status_code == 405


@pytest.mark.django_db(databases=BOTH)
def test_metrics_name_no_path_and_no_id(client: Client) -> None:
    client.get("/healthz")

    response = client.get("/metrics")

    assert response.status_code == 200
    assert b"django_http_requests_total_by_view_transport_method_total" in response.content
    assert b"/healthz" not in response.content


def _unreachable(alias: str) -> object:
    return redis.Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0))
