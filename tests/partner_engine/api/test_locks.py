"""A copy during another save: the refusal names the holder, and a save without the lock reports it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from batch.locks import copy_lock, locked_copy
from batch.locks.copy_lock import CopyLock, holder_of
from catalogue.demo import Sample
from redis_locks.outage import RedisOutage
from tenants.access import Actor
from tenants.models import Tenant
from tests.harness.api_client import Api
from tests.harness.broken_redis import refusing_client
from tests.harness.web_servers import ROOT

pytestmark = pytest.mark.django_db

ROBIN = holder_of(Actor(type="user", id="7", source="web", label="Robin Agent"))


@pytest.fixture
def nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let requests wait for no lock: the tests would wait with them."""

    def unwaiting(tenant_id: UUID, copy_id: UUID, *, wait: float, **rest: Any) -> CopyLock:
        return CopyLock(tenant_id, copy_id, wait=0, **rest)

    monkeypatch.setattr(locked_copy, "CopyLock", unwaiting)


@pytest.mark.usefixtures("nobody_waits")
def test_the_refusal_names_the_holder(api: Api, harbor: Tenant, s1: Sample) -> None:
    copy = api.start(s1)
    change = {"answers": {"mqs_gl_limit": "l2m"}}

    with CopyLock(harbor.id, UUID(copy["id"]), wait=0, holder=ROBIN):
        refused = api.patch(f"/copies/{copy['id']}/answers", change)

    problem = json.loads(refused.content)
    assert (refused.status_code, problem["type"]) == (409, "urn:partner-engine:problem:locked_by_another_save")
    assert refused["Retry-After"] == "1"
    # The entry point, and neither the machine nor the process.
    assert {**problem["holder"], "since": None} == {"who": "Robin Agent (user 7)", "since": None, "where": "web"}
    since = datetime.fromisoformat(problem["holder"]["since"])
    assert abs(since - datetime.now(UTC)) < timedelta(seconds=30)
    assert problem["detail"].startswith("Robin Agent has been saving this copy since ")
    assert problem["detail"].endswith("(web). Try again in a moment.")
    after = api.patch(f"/copies/{copy['id']}/answers", change)
    assert (after.status_code, "X-Lock" in after) == (200, False)


@pytest.mark.usefixtures("nobody_waits")
def test_an_unknown_holder_is_left_out(api: Api, harbor: Tenant, s1: Sample) -> None:
    copy = api.start(s1)
    name = copy_lock.copy_lock_name(harbor.id, UUID(copy["id"]))
    copy_lock.get_redis_connection("default").set(name, b"older", px=5_000)

    refused = api.patch(f"/copies/{copy['id']}/answers", {"answers": {"mqs_gl_limit": "l2m"}})

    problem = json.loads(refused.content)
    assert refused.status_code == 409
    assert "holder" not in problem
    assert problem["detail"] == "Another save is using this copy. Try again in a moment."


def test_a_save_without_the_lock_reports_it(api: Api, s1: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = api.start(s1)
    monkeypatch.setattr(copy_lock, "outage", RedisOutage())
    monkeypatch.setattr(copy_lock, "get_redis_connection", lambda alias: refusing_client())

    saved = api.patch(f"/copies/{copy['id']}/answers", {"answers": {"mqs_gl_limit": "l2m"}})

    assert (saved.status_code, saved["ETag"], saved["X-Lock"]) == (200, '"2"', "degraded")


def test_the_description_contains_holder_and_header() -> None:
    # test_description_files.py compares this file with the code.
    description = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))

    schemas = description["components"]["schemas"]
    assert schemas["Problem"]["properties"]["holder"] == {"$ref": "#/components/schemas/HolderShape"}
    assert "holder" not in schemas["Problem"]["required"]
    assert set(schemas["HolderShape"]["required"]) == {"who", "since", "where"}
    saved = description["paths"]["/api/v1/copies/{id}/answers"]["patch"]["responses"]["200"]
    saved = description["components"]["responses"].get(saved.get("$ref", "").rpartition("/")[2], saved)
    assert saved["headers"]["X-Lock"] == {"$ref": "#/components/headers/X-Lock"}
    assert description["components"]["headers"]["X-Lock"]["schema"] == {"type": "string", "enum": ["degraded"]}
