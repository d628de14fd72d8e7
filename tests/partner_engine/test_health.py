"""``/healthz``, ``/readyz`` and ``/metrics``."""

from __future__ import annotations

from datetime import timedelta

import pytest
import redis
from django.db import connections
from django.test import Client
from django.utils import timezone
from django_redis import get_redis_connection
from pytest_django import Settings
from redis.backoff import NoBackoff
from redis.exceptions import OutOfMemoryError, ReadOnlyError, ResponseError
from redis.retry import Retry

from actions.kinds import RecountActiveUsers
from actions.models import OutboxAction
from actions.outbox import enqueue
from actions.poller import relay_heartbeat
from partner_engine.celery import BEAT_HEARTBEAT, WORKER_HEARTBEAT
from partner_engine.full_health import MOST_SECONDS, MOST_WAKE_UPS
from redis_locks.heartbeats import note_heartbeat
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.cast import PROCESS, SECOND_DATABASE

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


@pytest.mark.django_db(databases=BOTH, transaction=True)
def test_ready_for_the_tenants_of_the_databases_that_are_named(client: Client) -> None:
    broken = connections[SECOND_DATABASE]
    port, broken.settings_dict["PORT"] = broken.settings_dict["PORT"], 1
    broken.close()
    try:
        shared = client.get("/readyz?database=default")
        tenants = client.get(f"/readyz?database=default&database={SECOND_DATABASE}")
    finally:
        broken.settings_dict["PORT"] = port
        broken.close()

    assert (shared.status_code, shared.json()["parts"]) == (200, {"database:default": "ok", "redis": "ok"})
    assert (tenants.status_code, tenants.json()["parts"][f"database:{SECOND_DATABASE}"]) == (503, "failed")


@pytest.mark.django_db(databases=BOTH)
def test_a_database_that_does_not_exist_is_refused(client: Client) -> None:
    response = client.get("/readyz?database=nowhere")

    assert (response.status_code, response.json()["detail"]) == (400, "There is no database 'nowhere'.")


@pytest.mark.django_db(databases=BOTH)
def test_the_full_health_names_every_part_and_the_one_that_fails(
    client: Client, harbor: Tenant, settings: Settings
) -> None:
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"global_keyprefix": f"{PROCESS}."}
    for name in (BEAT_HEARTBEAT, *map(relay_heartbeat, BOTH)):
        note_heartbeat(name)

    without_worker = client.get("/healthz/full")
    note_heartbeat(WORKER_HEARTBEAT)
    well = client.get("/healthz/full")

    parts = well.json()["parts"]
    assert (well.status_code, {part["state"] for part in parts.values()}) == (200, {"ok"})
    assert {name.partition(":")[0] for name in parts} == {
        "database", "migrations", "redis", "relay", "beat", "worker", "queue",
    }  # fmt: skip
    assert (without_worker.status_code, without_worker.json()["parts"]["worker"]["state"]) == (503, "failed")


@pytest.mark.parametrize("waits", ["outbox:default", "celery"])
@pytest.mark.django_db(databases=BOTH)
def test_a_queue_that_is_asked_for_fails_by_its_own_backlog(
    client: Client, harbor: Tenant, settings: Settings, waits: str
) -> None:
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"global_keyprefix": f"{PROCESS}."}
    redis_client, key = get_redis_connection("default"), f"{PROCESS}.celery"
    if waits == "celery":
        redis_client.rpush(key, *[b"{}"] * (MOST_WAKE_UPS + 1))
    else:
        with use_tenant(harbor):
            enqueue(RecountActiveUsers(tenant_id=str(harbor.pk)), alias="default", tenant_id=harbor.pk, copy_id=None)
            OutboxAction.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=MOST_SECONDS + 60))
    try:
        full = client.get("/healthz/full", {"queue": waits})
        others = client.get("/healthz/full", {"queue": ["webhooks:default", "outbox:summit_db"]})
    finally:
        redis_client.delete(key)

    assert (full.status_code, list(full.json()["parts"])) == (503, [f"queue:{waits}"])
    assert (others.status_code, len(others.json()["parts"])) == (200, 2)


@pytest.mark.django_db(databases=BOTH)
def test_the_full_health_is_for_monitors_and_known_queues(client: Client) -> None:
    assert client.get("/healthz/full", REMOTE_ADDR="192.0.2.1").status_code == 403
    assert client.get("/healthz/full", {"queue": "nowhere"}).status_code == 400


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
