"""Imports over the API: preview, import, the failed rows out and corrected ones back in."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from copies.models import CopyRevision
from forms.models import ApplicationForm
from operations.engine.pace import Pace
from operations.engine.worker import drain
from operations.models import BatchOperation, OperationItem
from tenants.access import Right
from tenants.current_tenant import use_tenant
from tenants.limit_models import RateLimit
from tenants.limits.memory import LimitMemory, StoredLimits
from tenants.limits.scopes import Limit
from tenants.models import ApiClient, Tenant, every_right
from tests.harness.api_client import NOBODY, Api, assert_problem
from tests.partner_engine.api.test_routes import HOSTILE

pytestmark = pytest.mark.django_db

IMPORTS = "/batch_operations/imports"
PREVIEW = "/batch_operations/imports/preview"
SSN = "123-45-6788"
FILE = (
    "Legal business name,Legal structure,Owner's Social Security number,Location 1 ZIP,Coverage wanted,Our note,Title"
    "\r\n"
    f"Vellichor Bistro,llc,{SSN},78701,bop; gl,x,First\r\n"
    f"Quire Bakery,nothing,{SSN},78701,gl,y,=Second\r\n"
    "Petrichor Deli,llc,,not a zip,gl,z,Third\r\n"
).encode()


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[BatchOperation]:
    """Collect the operations that would be started: threads do not see a test's transaction."""
    found: list[BatchOperation] = []
    monkeypatch.setattr(
        "partner_engine.api.batch_operations.start", lambda operation, *, tenant: found.append(operation)
    )
    return found


@pytest.fixture
def harbor_forms(harbor: Tenant) -> Callable[[], int]:
    def count() -> int:
        with use_tenant(harbor):
            return ApplicationForm.objects.count()

    return count


@pytest.fixture
def harbor_operations(harbor: Tenant) -> Callable[[], int]:
    def count() -> int:
        with use_tenant(harbor):
            return BatchOperation.objects.count()

    return count


def send(api: Api, path: str, content: bytes, **headers: str) -> HttpResponse:
    return api.send("POST", path, content, content_type="text/csv", **headers)


def imported(api: Api, content: bytes = FILE, query: str = "") -> dict[str, Any]:
    response = send(api, IMPORTS + query, content)
    assert response.status_code == 202, response.content
    drain("default", pace=Pace(seconds=1e9))
    shape: dict[str, Any] = response.json()
    return shape


def failed_rows(api: Api, operation: str) -> list[dict[str, str]]:
    response = api.get(f"/batch_operations/{operation}/failed.csv", Accept="text/csv")
    assert (response.status_code, response["Content-Type"]) == (200, "text/csv; charset=utf-8")
    content = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def as_file(rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def test_a_preview_judges_the_first_rows_and_stores_nothing(
    api: Api, demo: object, harbor_forms: Callable[[], int], harbor_operations: Callable[[], int]
) -> None:
    response = send(api, PREVIEW, FILE)

    assert response.status_code == 200, response.content
    shown = response.json()
    assert (shown["format"], shown["delimiter"], shown["total"]) == ("csv", ",", 3)
    assert {one["column"]: (one["target"], one["how"]) for one in shown["columns"]} == {
        "Legal business name": ("mqs_business_name", "label"),
        "Legal structure": ("mqs_legal_entity", "label"),
        "Owner's Social Security number": ("mqs_owner_ssn", "label"),
        "Location 1 ZIP": ("locations[1].mqs_loc_zip", "label"),
        "Coverage wanted": ("mqs_lobs", "label"),
        "Our note": (None, ""),
        "Title": ("title", "name"),
    }
    assert shown["unmapped"] == ["Our note"]
    first, second, third = shown["rows"]
    assert (first["number"], first["errors"]) == (2, [])
    assert first["cells"]["Owner's Social Security number"] == "••••"
    assert SSN not in response.content.decode()
    assert [(error["column"], error["code"]) for error in second["errors"]] == [("Legal structure", "unknown_choice")]
    assert [error["column"] for error in third["errors"]] == ["Location 1 ZIP"]
    assert first["eligibility"]
    assert (harbor_forms(), harbor_operations()) == (0, 0)


def test_a_file_is_imported_row_by_row(api: Api, demo: object, harbor_forms: Callable[[], int], harbor: Tenant) -> None:
    told = imported(api)

    assert (told["kind"], told["total"], told["accepted"]) == ("import_forms", 3, 3)
    status = api.get(f"/batch_operations/{told['id']}").json()
    assert (status["completed"], status["failed"]) == (1, 2)
    assert harbor_forms() == 1
    items = api.get(f"/batch_operations/{told['id']}/items?state=completed").json()["results"]
    copy = api.get(f"/copies/{items[0]['copy_id']}").json()
    assert copy["title"] == "First"
    assert copy["answers"]["mqs_lobs"]["value"] == ["bop", "gl"]
    assert copy["answer_pools"]["locations"][0]["answers"]["mqs_loc_zip"]["value"] == "78701"


def test_failed_rows_go_out_masked_and_come_back_corrected(
    api: Api, demo: object, harbor_forms: Callable[[], int], harbor: Tenant
) -> None:
    operation = imported(api)["id"]
    rows = failed_rows(api, operation)
    assert [(row["number"], row["mqs_business_name"], row["title"]) for row in rows] == [
        ("1", "Quire Bakery", "'=Second"),
        ("2", "Petrichor Deli", "Third"),
    ]
    assert list(rows[0])[:2] == ["number", "reason"]
    assert "not one of the choices" in rows[0]["reason"]
    assert [row["mqs_owner_ssn"] for row in rows] == ["••••", ""]

    rows[0]["mqs_legal_entity"] = "sole_prop"
    rows[1]["locations[1].mqs_loc_zip"] = "78702"
    strangers = [{**rows[0], "number": number} for number in ("0", "1", "99", "")]
    response = send(api, f"/batch_operations/{operation}/failed.csv", as_file([rows[0]]))
    assert response.json() == {"accepted": 1, "rejected": 0, "rejections": []}
    response = send(api, f"/batch_operations/{operation}/failed.csv", as_file(strangers[:3]))
    assert response.status_code == 202
    assert [one["code"] for one in response.json()["rejections"]] == ["not_failed"] * 3
    response = send(api, f"/batch_operations/{operation}/failed.csv", as_file([strangers[3], rows[1], rows[1]]))
    assert [(one["index"], one["code"]) for one in response.json()["rejections"]] == [
        (0, "no_number"),
        (2, "repeated_number"),
    ]
    drain("default", pace=Pace(seconds=1e9))

    status = api.get(f"/batch_operations/{operation}").json()
    assert (status["total"], status["completed"], status["failed"]) == (3, 3, 0)
    assert harbor_forms() == 3
    with use_tenant(harbor):
        item = OperationItem.objects.get(operation_id=operation, number=1)
    copy = api.get(f"/copies/{item.copy_id}").json()
    assert (copy["title"], copy["answers"]["mqs_owner_ssn"]["value"]) == ("=Second", "•••• 6788")


def test_a_mask_in_another_cell_and_other_rights_are_refused(
    api: Api, demo: object, harbor_client: ApiClient, harbor: Tenant
) -> None:
    operation = imported(api)["id"]
    rows = failed_rows(api, operation)
    rows[0]["mqs_business_name"] = "••••"
    rows[1]["as_of"] = "2026-01-01"

    limited = Api(harbor_client, [right for right in Right if right is not Right.SET_AS_OF])
    for row in rows:
        row.setdefault("as_of", "")
    response = send(limited, f"/batch_operations/{operation}/failed.csv", as_file(rows))

    assert [one["code"] for one in response.json()["rejections"]] == ["masked_value", "missing_right"]
    reader = Api(harbor_client, [Right.READ_FORMS])
    assert_problem(send(reader, f"/batch_operations/{operation}/failed.csv", as_file(rows)), 403, "missing_right")


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "empty_file"),
        (b"%PDF-1.7", 422, "unsupported_file"),
        (b"a,b\n1,2\n", 422, "no_valid_items"),
        (b"x" * (15 * 1024 * 1024 + 1), 413, "body_too_large"),
        (b"," * 1_001 + b"x\n1\n", 413, "file_too_large"),
    ],
)
def test_a_file_that_cannot_be_imported_is_a_problem(
    content: bytes, status: int, code: str, api: Api, demo: object, harbor_operations: Callable[[], int]
) -> None:
    assert_problem(send(api, IMPORTS, content), status, code)
    assert harbor_operations() == 0


@pytest.mark.parametrize(
    ("path", "statuses"),
    [(PREVIEW, {200, 413, 422}), (IMPORTS, {413, 422}), (f"/batch_operations/{NOBODY}/failed.csv", {404})],
)
def test_hostile_files_change_nothing(  # noqa: PLR0913 - fixtures
    path: str,
    statuses: set[int],
    api: Api,
    demo: object,
    harbor_forms: Callable[[], int],
    harbor_operations: Callable[[], int],
) -> None:
    for name, content in HOSTILE.items():
        response = send(api, path, content)

        assert response.status_code in statuses, (name, path, response.content[:300])
    assert (harbor_forms(), harbor_operations()) == (0, 0)


def test_the_mapping_is_checked_with_its_columns(api: Api, demo: object) -> None:
    mapping = {
        "Legal business name": "mqs_busines_name",
        "Titel": "title",
        "Title": "reference",
        "Our note": "reference",
    }

    response = send(api, f"{IMPORTS}?mapping={quote(json.dumps(mapping))}", FILE)

    problem = assert_problem(response, 422, "invalid_mapping")
    assert [(fault["path"], fault["code"]) for fault in problem["errors"]] == [
        ("Legal business name", "unknown_target"),
        ("Titel", "unknown_column"),
        ("Our note", "target_taken"),
    ]
    assert "'mqs_business_name'" in problem["errors"][0]["detail"]
    for sent in ("7", "[", '{"a": 1}', '{"a": null, "a": null}'):
        assert_problem(send(api, f"{IMPORTS}?mapping={quote(sent)}", FILE), 422, "invalid_body")


def test_a_form_of_parts_is_taken_too(api: Api, demo: object, harbor_forms: Callable[[], int]) -> None:
    def parts(**fields: Any) -> bytes:
        return encode_multipart(BOUNDARY, {"file": SimpleUploadedFile("x.exe", FILE), **fields})

    def sent(content: bytes) -> HttpResponse:
        return api.send("POST", IMPORTS, content, content_type=MULTIPART_CONTENT)

    mapping = json.dumps({"Legal business name": "mqs_business_name"})
    response = sent(parts(mapping=mapping, options='{"dry_run": true}', title="From the sheet"))

    assert response.status_code == 202, response.content
    assert (response.json()["accepted"], response.json()["is_dry_run"]) == (3, True)
    drain("default", pace=Pace(seconds=1e9))
    assert api.get(f"/batch_operations/{response.json()['id']}").json()["completed"] == 3
    assert harbor_forms() == 0
    assert_problem(sent(parts(tenant_id="x")), 422, "invalid_body")
    assert_problem(sent(encode_multipart(BOUNDARY, {"mapping": mapping})), 422, "invalid_body")
    without_boundary = api.send("POST", IMPORTS, b"--x", content_type="multipart/form-data")
    assert_problem(without_boundary, 400, "parse_error")


def test_a_repeated_import_with_its_key_is_one_import(
    api: Api, demo: object, harbor_operations: Callable[[], int]
) -> None:
    first = send(api, IMPORTS, FILE, Idempotency_Key="one")
    second = send(api, IMPORTS, FILE, Idempotency_Key="one")
    other = send(api, IMPORTS, FILE + b"x,llc,,,,,\r\n", Idempotency_Key="one")

    assert (first.status_code, second.content) == (202, first.content)
    assert_problem(other, 422, "idempotency_key_reused")
    assert harbor_operations() == 1


def test_another_tenant_can_neither_read_nor_correct(api: Api, foreigner: Api, demo: object) -> None:
    operation = imported(api)["id"]

    assert_problem(foreigner.get(f"/batch_operations/{operation}/failed.csv"), 404, "not_found")
    assert_problem(send(foreigner, f"/batch_operations/{operation}/failed.csv", b"number\n1\n"), 404, "not_found")


class TestCorrections:
    """Who corrected an item is who changes its form."""

    @pytest.fixture
    def other(self, harbor: Tenant) -> ApiClient:
        client: ApiClient = ApiClient.objects.create(
            client_id="other", client_secret="x", name="Other", allowed_scopes=every_right(), tenant=harbor
        )
        return client

    def corrected(self, api: Api, other: ApiClient, rights: list[Right]) -> str:
        """Import a file, and send its second row back as ``other`` with ``rights``; return the operation."""
        operation: str = imported(api)["id"]
        row = {**failed_rows(api, operation)[0], "mqs_legal_entity": "sole_prop"}
        response = send(Api(other, rights), f"/batch_operations/{operation}/failed.csv", as_file([row]))
        assert response.json()["accepted"] == 1, response.content
        return operation

    def test_a_corrected_item_runs_as_the_person_who_corrected_it(
        self, api: Api, demo: object, harbor: Tenant, harbor_client: ApiClient, other: ApiClient
    ) -> None:
        operation = self.corrected(api, other, [Right.READ_FORMS, Right.WRITE_FORMS])
        drain("default", pace=Pace(seconds=1e9))

        with use_tenant(harbor):
            items = OperationItem.objects.filter(operation_id=operation, state="completed").order_by("number")
            revisions = [CopyRevision.objects.get(copy_id=item.copy_id) for item in items]
        assert [one.actor_id for one in revisions] == [str(harbor_client.pk), str(other.pk)]

    def test_a_right_that_was_withdrawn_meanwhile_fails_the_item_alone(
        self, api: Api, demo: object, harbor: Tenant, other: ApiClient
    ) -> None:
        operation = self.corrected(api, other, [Right.READ_FORMS, Right.WRITE_FORMS])
        other.allowed_scopes = [Right.READ_FORMS.value]
        other.save()
        drain("default", pace=Pace(seconds=1e9))

        with use_tenant(harbor):
            item = OperationItem.objects.get(operation_id=operation, number=1)
            assert BatchOperation.objects.get(pk=operation).cancelled_at is None
        assert (item.state, item.error_code) == ("failed", "missing_right")

    def test_corrections_and_retries_count_as_new_items_do(
        self, api: Api, demo: object, limits_on: object, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        operation = imported(api)["id"]
        rows = failed_rows(api, operation)
        stored = StoredLimits(scopes={"batch_items": Limit(amount=4, window=60)})  # of which the import took 3
        monkeypatch.setattr(RateLimit, "memory", LimitMemory(lambda: stored))

        both = send(api, f"/batch_operations/{operation}/failed.csv", as_file(rows))
        again = api.post(f"/batch_operations/{operation}/retry", {"force": True})

        assert (both.status_code, again.status_code) == (429, 429), (both.content, again.content)
        assert api.get(f"/batch_operations/{operation}").json()["failed"] == 2
        rows[0]["mqs_legal_entity"] = "sole_prop"
        one = send(api, f"/batch_operations/{operation}/failed.csv", as_file(rows[:1]))
        assert one.status_code == 202
        assert send(api, f"/batch_operations/{operation}/failed.csv", as_file(rows[1:])).status_code == 429

    def test_an_item_that_cannot_be_read_is_a_row_with_its_reason(self, api: Api, demo: object, harbor: Tenant) -> None:
        operation = imported(api)["id"]
        with use_tenant(harbor):
            OperationItem.objects.filter(operation_id=operation, number=1).update(input=b"broken")

        lost, whole = failed_rows(api, operation)

        assert (lost["number"], lost["mqs_business_name"]) == ("1", "")
        assert "cannot be read any more" in lost["reason"]
        assert whole["mqs_business_name"] == "Petrichor Deli"
        response = send(api, f"/batch_operations/{operation}/failed.csv", as_file([lost]))
        assert [one["code"] for one in response.json()["rejections"]] == ["unreadable_input"]

    def test_an_operation_that_cannot_be_read_refuses_corrections(self, api: Api, demo: object, harbor: Tenant) -> None:
        operation = imported(api)["id"]
        with use_tenant(harbor):
            BatchOperation.objects.filter(pk=operation).update(arguments=b"broken")

        rows = failed_rows(api, operation)

        problem = send(api, f"/batch_operations/{operation}/failed.csv", as_file(rows))
        assert_problem(problem, 409, "unreadable_operation")


def test_an_unreadable_plan_cannot_be_carried_out(api: Api, demo: object, harbor: Tenant) -> None:
    plan = imported(api, query=f"?options={quote(json.dumps({'dry_run': True}))}")["id"]
    with use_tenant(harbor):
        OperationItem.objects.filter(operation_id=plan, number=1).update(input=b"broken")

    agreed = {"plan": plan, "plan_hash": api.get(f"/batch_operations/{plan}").json()["plan_hash"]}
    assert_problem(api.post("/batch_operations", agreed), 409, "unreadable_operation")


def test_imports_and_corrections_count_as_operations(
    api: Api, demo: object, limits_on: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = StoredLimits(scopes={"batch": Limit(amount=2, window=60)})
    monkeypatch.setattr(RateLimit, "memory", LimitMemory(lambda: stored))
    operation = imported(api)["id"]
    row = {**failed_rows(api, operation)[0], "mqs_legal_entity": "sole_prop"}

    codes = [
        send(api, path, content).status_code
        for path, content in (
            (IMPORTS, b"a,b\n1,2\n"),
            (f"/batch_operations/{operation}/failed.csv", as_file([row])),
            (IMPORTS, FILE),
            (f"/batch_operations/{operation}/failed.csv", as_file([row])),
        )
    ]

    assert codes == [422, 202, 429, 429]
