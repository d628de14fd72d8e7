"""``manage.py locks``: lists the holders of all tenants, and releases a stuck lock."""

from __future__ import annotations

import io
import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from structlog.testing import capture_logs

from batch.locks import inspection as held_locks
from batch.locks.copy_lock import CopyLock, holder_of
from batch.locks.inspection import held_lock
from redis_locks.job_mutex import JobMutex
from tenants.access import Actor
from tenants.models import Tenant
from tests.harness.broken_redis import refusing_client

pytestmark = pytest.mark.django_db

ROBIN = holder_of(Actor(type="user", id="7", source="web", label="Robin Agent"))


def run(*options: str) -> str:
    """Run the command; return its output."""
    told = io.StringIO()
    call_command("locks", *options, stdout=told)
    return told.getvalue()


def run_json(*options: str) -> Any:
    """Run the command; return the object that it prints."""
    return json.loads(run("--json", *options))


def held(tenant: Tenant, copy_id: UUID) -> CopyLock:
    return CopyLock(tenant.id, copy_id, wait=0, holder=ROBIN)


def test_nothing_is_held() -> None:
    assert run() == "No lock is held.\n"
    assert run_json() == {"locks": []}


def test_holders_of_all_tenants_and_jobs_are_listed(harbor: Tenant, summit: Tenant) -> None:
    ours, theirs = uuid4(), uuid4()
    with held(harbor, ours), held(summit, theirs), JobMutex("sweep"):
        lines = run_json()["locks"]
        table = run()

    assert [(line["kind"], line["tenant"], line["name"], line["who"], line["waiting"]) for line in lines] == [
        ("copy", "harbor", str(ours), "Robin Agent (user 7)", 0),
        ("copy", "summit", str(theirs), "Robin Agent (user 7)", 0),
        ("job", "", "sweep", "job sweep", 0),
    ]
    assert lines[0]["where"] == ROBIN.where
    assert 0 < lines[0]["expires_in"] <= 10
    heading, first, *_ = table.splitlines()
    assert heading.split("  ")[0] == "TENANT"
    assert str(ours) in first and "Robin Agent (user 7)" in first


def test_a_stuck_lock_is_released_and_recorded(harbor: Tenant) -> None:
    copy_id, other = uuid4(), uuid4()
    with held(harbor, copy_id) as stuck, held(harbor, other):
        with capture_logs() as logs:
            assert run("--release", str(copy_id)).startswith(f"Freed the lock of copy {copy_id}, held by Robin Agent")

        assert held_lock(harbor.id, copy_id) is None
        assert held_lock(harbor.id, other) is not None
        stuck.extend()
        assert stuck.is_degraded
    (noted,) = [line for line in logs if line["event"] == "audit.lock_released"]
    assert (noted["copy_id"], noted["actor_id"], noted["is_released"]) == (str(copy_id), "manage.py locks", True)
    assert noted["holder"] == "Robin Agent (user 7)"


def test_a_dry_run_frees_nothing(harbor: Tenant) -> None:
    copy_id = uuid4()
    with held(harbor, copy_id):
        assert run("--release", str(copy_id), "--dry-run").startswith("Would free the lock")
        told = run_json("--release", str(copy_id), "--dry-run")

        assert held_lock(harbor.id, copy_id) is not None
    assert (told["released"], told["dry_run"], told["lock"]["name"]) == (False, True, str(copy_id))


def test_a_free_lock_is_not_released() -> None:
    with pytest.raises(CommandError, match="Nobody holds the lock"):
        run("--release", str(uuid4()))


def test_a_dry_run_of_the_list_is_refused() -> None:
    with pytest.raises(CommandError, match="goes with --release"):
        run("--dry-run")


def test_a_missing_redis_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_locks, "get_redis_connection", lambda alias: refusing_client())

    with pytest.raises(CommandError, match="Redis does not answer"):
        run("--release", str(uuid4()))
