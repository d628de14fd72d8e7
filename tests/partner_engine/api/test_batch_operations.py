"""Batch operations over the API: submit, watch, control, results; nothing of the input is ever shown."""

from __future__ import annotations

import csv
import io
import json
from typing import Any
from uuid import uuid4

import pytest

from catalogue.demo import Sample
from operations.engine.pace import Pace
from operations.engine.worker import drain
from operations.models import BatchOperation, OperationItem
from tenants.access import Right
from tenants.current_tenant import across_tenants, use_tenant
from tenants.flag_memory import FlagMemory
from tenants.models import ApiClient, Tenant
from tests.harness.api_client import NOBODY, Api, assert_problem

pytestmark = pytest.mark.django_db

#: In ``error`` and in the results' cells it would be a formula.
NAME = "Vellichor Bistro"


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[BatchOperation]:
    """Collect the operations that would be started: threads do not see a test's transaction."""
    found: list[BatchOperation] = []
    monkeypatch.setattr(
        "partner_engine.api.batch_operations.start", lambda operation, *, tenant: found.append(operation)
    )
    return found


@pytest.fixture
def copies(api: Api, s1: Sample) -> list[str]:
    """Return two copies."""
    return [api.start(s1)["id"] for _ in range(2)]


def body(copies: list[str], **fields: Any) -> dict[str, Any]:
    """Return an order that succeeds at the first copies and fails at the last one."""
    items: list[dict[str, Any]] = [{"id": copy, "answers": {"mqs_business_name": NAME}} for copy in copies]
    items[-1]["answers"] = {"mqs_annual_revenue": NAME}
    return {"kind": "set_answers", "items": items, **fields}


def work() -> None:
    """Run the due items."""
    drain("default", pace=Pace(seconds=1e9))


def submitted(api: Api, order: dict[str, Any], **headers: str) -> str:
    """Submit ``order``; return the operation's id."""
    response = api.post("/batch_operations", order, **headers)
    assert response.status_code == 202, response.content
    identity: str = response.json()["id"]
    return identity


def test_an_operation_is_submitted_and_read(api: Api, copies: list[str], started: list[BatchOperation]) -> None:
    response = api.post("/batch_operations", body([*copies, NOBODY], title="Names"))

    assert response.status_code == 202
    told = response.json()
    assert (told["total"], told["accepted"], told["rejected"], told["is_dry_run"]) == (3, 2, 1, False)
    assert told["rejections"] == [
        {
            "index": 2,
            "code": "not_found",
            "detail": "There is no application form or copy with this id.",
            "errors": [
                {
                    "pointer": "/items/2",
                    "path": "",
                    "code": "not_found",
                    "detail": "There is no application form or copy with this id.",
                }
            ],
        }
    ]
    assert response["Location"] == f"/api/v1/batch_operations/{told['id']}"
    assert [str(one.id) for one in started] == [told["id"]]
    read = api.get(f"/batch_operations/{told['id']}").json()
    assert (read["state"], read["total"], read["queued"], read["progress_percent"]) == ("pending", 2, 2, 0.0)
    assert (read["title"], read["by"]["type"], read["rejections"]) == ("Names", "api_client", told["rejections"])


def test_an_export_is_downloaded_and_nothing_else_has_content(api: Api, copies: list[str]) -> None:
    identity = submitted(api, {"kind": "export", "items": [{"id": copy} for copy in copies]})
    other = submitted(api, body(copies))
    work()

    file = api.get(f"/batch_operations/{identity}/results?content=true")
    refused = api.get(f"/batch_operations/{other}/results?content=true")

    lines = [json.loads(line) for line in b"".join(file.streaming_content).splitlines()]
    assert [(line["id"], line["version"]) for line in lines] == [(copy, 1) for copy in copies]
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (400, "content")


def test_it_is_worked_on_and_its_results_are_read(api: Api, copies: list[str]) -> None:
    identity = submitted(api, body(copies))
    work()

    read = api.get(f"/batch_operations/{identity}").json()
    assert (read["state"], read["completed"], read["failed"], read["success_rate"]) == ("partial", 1, 1, 50.0)
    items = api.get(f"/batch_operations/{identity}/items").json()["results"]
    assert [(item["number"], item["state"]) for item in items] == [(1, "failed"), (0, "completed")]
    assert items[0]["errors"][0]["path"] == "mqs_annual_revenue"
    assert (items[1]["copy_id"], items[1]["version_before"], items[1]["version_after"]) == (copies[0], 1, 2)
    assert api.get(f"/batch_operations/{identity}/items?state=completed").json()["results"] == items[1:]

    lines = b"".join(api.get(f"/batch_operations/{identity}/results").streaming_content).splitlines()
    assert [json.loads(line) for line in lines] == items[::-1]
    content = b"".join(api.get(f"/batch_operations/{identity}/results?format=csv").streaming_content)
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert [(row["number"], row["state"], row["outcome"]) for row in rows] == [
        ("0", "completed", "changed"),
        ("1", "failed", ""),
    ]
    assert NAME not in json.dumps([read, items]) + content.decode()


def test_pages_of_items_have_each_once_with_the_failed_first(api: Api, copies: list[str], harbor: Tenant) -> None:
    identity = submitted(api, body(copies))
    states = ["completed", "failed", "queued", "failed", "completed", "failed", "completed"]
    with use_tenant(harbor):
        OperationItem.objects.all().delete()
        OperationItem.objects.bulk_create(
            OperationItem(id=uuid4(), tenant_id=harbor.id, operation_id=identity, number=place, input=b"", state=state)
            for place, state in enumerate(states)
        )

    numbers: list[int] = []
    address: str | None = f"/batch_operations/{identity}/items?limit=2"
    while address:
        shown = api.get(address.removeprefix("/api/v1")).json()
        numbers += [item["number"] for item in shown["results"]]
        address = shown["next"]

    assert numbers == [1, 3, 5, 0, 2, 4, 6]
    assert_problem(api.get(f"/batch_operations/{identity}/items?cursor=x"), 400, "invalid_cursor")


def test_the_list_has_the_latest_first_in_pages(api: Api, copies: list[str], foreigner: Api) -> None:
    made = [submitted(api, body(copies)) for _ in range(3)]

    first = api.get("/batch_operations?limit=2&mine=true&kind=set_answers").json()
    second = api.get(first["next"].removeprefix("/api/v1")).json()

    assert [one["id"] for one in first["results"] + second["results"]] == made[::-1]
    assert second["next"] is None
    assert foreigner.get("/batch_operations").json() == {"results": [], "next": None}
    work()
    assert api.get("/batch_operations?open=true").json()["results"] == []


def test_a_repeated_request_submits_once(api: Api, copies: list[str], started: list[BatchOperation]) -> None:
    one = api.post("/batch_operations", body(copies), Idempotency_Key="k1")
    two = api.post("/batch_operations", body(copies), Idempotency_Key="k1")

    assert one.json() == two.json()
    assert two["Idempotent-Replayed"] == "true"
    assert len(started) == 1
    assert_problem(
        api.post("/batch_operations", body(copies, title="x"), Idempotency_Key="k1"), 422, "idempotency_key_reused"
    )


def test_it_is_paused_resumed_and_cancelled(api: Api, copies: list[str]) -> None:
    identity = submitted(api, body(copies))
    path = f"/batch_operations/{identity}"

    paused = api.post(f"{path}/pause").json()
    work()
    waiting = api.get(path).json()
    resumed = api.post(f"{path}/resume").json()
    again = assert_problem(api.post(f"{path}/resume"), 409, "operation_is_not_paused")
    cancelled = api.post(f"{path}/cancel").json()

    assert (paused["state"], waiting["completed"], resumed["state"]) == ("paused", 0, "pending")
    assert again["detail"].startswith("The operation is not paused: ")
    assert (cancelled["state"], cancelled["cancelled"]) == ("cancelled", 2)
    for order in ("pause", "cancel", "resume"):
        assert_problem(api.post(f"{path}/{order}"), 409, "operation_has_ended")


def test_failed_items_are_tried_again(api: Api, copies: list[str]) -> None:
    identity = submitted(api, body(copies))
    work()
    path = f"/batch_operations/{identity}/retry"

    assert_problem(api.post(path, {"numbers": [0]}), 409, "nothing_to_retry")
    assert_problem(api.post(path, {"numbers": []}), 422, "invalid_body")
    assert api.post(path, {"numbers": [1]}).json() == {"retried": 1}
    assert_problem(api.post(path), 409, "nothing_to_retry")
    work()
    assert api.post(path, {"force": True}).json() == {"retried": 1}


def test_a_plan_is_made_and_carried_out(api: Api, copies: list[str]) -> None:
    planned = submitted(api, body(copies, options={"dry_run": True}))
    assert_problem(api.post("/batch_operations", {"plan": planned, "plan_hash": "0" * 64}), 409, "not_a_plan")
    work()
    plan = api.get(f"/batch_operations/{planned}").json()
    assert api.get(f"/copies/{copies[0]}").json()["version"] == 1

    done = submitted(api, {"plan": planned, "plan_hash": plan["plan_hash"]})
    work()

    assert api.get(f"/batch_operations/{done}").json()["planned_by"] == planned
    assert api.get(f"/copies/{copies[0]}").json()["version"] == 2
    hashless = assert_problem(api.post("/batch_operations", {"plan": planned}), 422, "invalid_body")
    assert [(error["pointer"], error["code"]) for error in hashless["errors"]] == [("/plan_hash", "required")]
    again = {"plan": planned, "plan_hash": plan["plan_hash"]}
    moved = assert_problem(api.post("/batch_operations", again), 409, "plan_moved")
    assert moved["detail"].startswith("The result would differ from the plan.")
    assert [error["path"] for error in moved["errors"]] == ["items/0"]


@pytest.mark.parametrize(
    ("fields", "status", "code", "pointer"),
    [
        ({"kind": "nothing"}, 422, "invalid_body", "/kind"),
        ({"items": [{"id": "x"}]}, 422, "no_valid_items", "/items/0/id"),
        ({"items": [7]}, 422, "no_valid_items", "/items/0"),
        ({"options": {"stop_after_failures_percent": 0}}, 422, "invalid_body", "/options/stop_after_failures_percent"),
        ({"options": {"priority": 11}}, 422, "invalid_body", "/options/priority"),
        ({"options": {"dry": True}}, 422, "invalid_body", "/options/dry"),
        ({"query": {"state": "x"}}, 422, "invalid_body", "/query/state"),
        ({"depends_on": NOBODY}, 422, "invalid_body", "/depends_on"),
        ({"title": "card 4111.1111.1111.1111"}, 422, "sensitive_text_refused", "/title"),
        ({"plan": NOBODY, "plan_hash": "x"}, 422, "invalid_body", "/plan_hash"),
    ],
)
def test_an_invalid_order_changes_nothing(
    api: Api, copies: list[str], fields: dict[str, Any], status: int, code: str, pointer: str
) -> None:
    problem = assert_problem(api.post("/batch_operations", {**body(copies), **fields}), status, code)

    assert pointer in [error["pointer"] for error in problem["errors"]]
    with across_tenants(using="default"):
        assert not BatchOperation.objects.exists()


def test_orders_need_the_right_of_the_kind_and_the_flag(
    api: Api, copies: list[str], harbor_client: ApiClient, stored_flags: FlagMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Api(harbor_client, [Right.READ_FORMS])
    assert_problem(api.post("/batch_operations", body(copies)), 403, "operations_are_off")
    with monkeypatch.context() as on:
        on.setattr("operations.submission.room.explain_flag", lambda *args, **options: True)
        identity = submitted(api, body(copies))
        assert_problem(reader.post("/batch_operations", body(copies)), 403, "missing_right")

    for order in ("pause", "cancel", "retry", "resume"):
        assert_problem(reader.post(f"/batch_operations/{identity}/{order}"), 403, "missing_right")
    assert api.post(f"/batch_operations/{identity}/pause").status_code == 200
    assert_problem(api.post(f"/batch_operations/{identity}/resume"), 403, "operations_are_off")
    assert reader.get(f"/batch_operations/{identity}").json()["state"] == "paused"


def test_what_cannot_be_undone_says_why(api: Api, copies: list[str], harbor: Tenant) -> None:
    identity = submitted(api, body(copies))
    path = f"/batch_operations/{identity}/undo"

    assert_problem(api.post(path), 409, "not_undoable")
    work()
    with use_tenant(harbor):
        OperationItem.objects.all().delete()
    assert "not_undoable" in assert_problem(api.post(path), 409, "not_undoable")["type"]
