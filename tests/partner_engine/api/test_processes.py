"""``/copies/{id}/processes``: the state of long work, without the fields for staff."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from batch import service as batch
from catalogue.demo import Sample
from tenants.access import system_actor
from tenants.models import Tenant
from tests.harness.api_client import Api, assert_problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def copy(api: Api, s1: Sample) -> dict[str, Any]:
    return api.start(s1)


@pytest.fixture
def url(copy: dict[str, Any]) -> str:
    return f"/copies/{copy['id']}/processes"


def start(copy: dict[str, Any], tenant: Tenant, kind: str) -> None:
    with batch.find_and_lock(UUID(copy["id"]), scope=tenant, actor=system_actor("test")) as context:
        context.changeset.processes.start(kind, step="ask", details={"secret": "of the work"})
        context.save()


def end(copy: dict[str, Any], tenant: Tenant, how: str, *words: str) -> None:
    """Let the only process that has not ended well do ``how``."""
    with batch.find_and_lock(UUID(copy["id"]), scope=tenant, actor=system_actor("test")) as context:
        (process,) = context.changeset.processes
        getattr(process, how)(*words)
        context.save()


def test_a_new_copy_has_no_processes(api: Api, url: str) -> None:
    assert api.get(url).json() == {"results": [], "next": None}


def test_a_process_is_shown_in_each_state(api: Api, url: str, copy: dict[str, Any], harbor: Tenant) -> None:
    start(copy, harbor, "quoting")
    (begun,) = api.get(url).json()["results"]
    end(copy, harbor, "wait", "answer")
    (waiting,) = api.get(url).json()["results"]
    end(copy, harbor, "complete")
    (completed,) = api.get(url).json()["results"]

    assert begun == {
        "id": begun["id"],
        "kind": "quoting",
        "state": "running",
        "step": "ask",
        "attempts": 1,
        "created_at": begun["created_at"],
        "updated_at": begun["created_at"],
        "ended_at": None,
    }
    assert waiting == {**begun, "state": "waiting", "step": "answer", "updated_at": waiting["updated_at"]}
    assert completed == {
        **waiting,
        "state": "completed",
        "updated_at": completed["updated_at"],
        "ended_at": completed["updated_at"],
    }


def test_fields_for_staff_are_not_returned(api: Api, url: str, copy: dict[str, Any], harbor: Tenant) -> None:
    start(copy, harbor, "quoting")
    end(copy, harbor, "fail", "ConnectError at carriers/links.py:7")

    response = api.get(url)

    assert response.json()["results"][0]["state"] == "failed"
    for secret in ("ConnectError", "of the work"):
        assert secret not in response.content.decode()


def test_the_newest_comes_first_in_pages(api: Api, url: str, copy: dict[str, Any], harbor: Tenant) -> None:
    for kind in ("one", "two", "three"):
        start(copy, harbor, kind)

    first = api.get(f"{url}?limit=2").json()
    second = api.get(first["next"].removeprefix("/api/v1")).json()

    assert [found["kind"] for found in first["results"] + second["results"]] == ["three", "two", "one"]
    assert second["next"] is None
    assert api.get(url, If_None_Match=api.get(url)["ETag"]).status_code == 304


def test_processes_belong_to_their_copy_and_tenant(
    api: Api, foreigner: Api, url: str, copy: dict[str, Any], harbor: Tenant
) -> None:
    start(copy, harbor, "quoting")
    second = api.post(f"/application_forms/{copy['id']}/copies", {"title": "Second"}).json()

    assert api.get(f"/copies/{second['id']}/processes").json()["results"] == []
    assert_problem(foreigner.get(url), 404, "not_found")
    assert_problem(api.post(url, {"kind": "quoting"}), 405, "method_not_allowed")
