"""Mappings that are saved by a name: used again, proposed for the same columns, deleted by who saved them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.test.utils import CaptureQueriesContext

from operations.models import ImportMapping
from tenants.access import Right
from tenants.current_tenant import use_tenant
from tenants.models import ApiClient, Tenant, every_right
from tests.harness.api_client import NOBODY, Api, assert_problem

pytestmark = pytest.mark.django_db

MAPPINGS = "/batch_operations/imports/mappings"
PREVIEW = "/batch_operations/imports/preview"
FILE = b"Who,What,Note\nVellichor Bistro,llc,x\n"
MAPPING = {"Who": "mqs_business_name", "What": "mqs_legal_entity", "Note": None}


def save(api: Api, name: str = "Our broker's file", mapping: dict[str, Any] | None = None) -> HttpResponse:
    return api.post(MAPPINGS, {"name": name, "mapping": mapping or MAPPING})


def preview(api: Api, content: bytes = FILE, query: str = "") -> dict[str, Any]:
    response = api.send("POST", PREVIEW + query, content, content_type="text/csv")
    assert response.status_code == 200, response.content
    shown: dict[str, Any] = response.json()
    return shown


def test_a_saved_mapping_is_listed_proposed_and_used(api: Api, demo: object) -> None:
    saved = save(api).json()

    assert saved["mapping"] == MAPPING
    assert api.get(f"{MAPPINGS}/{saved['id']}").json() == saved
    assert api.get(MAPPINGS).json()["results"] == [{name: saved[name] for name in saved if name != "mapping"}]
    plain = preview(api)
    assert plain["saved_mappings"] == ["Our broker's file"]
    assert [one["target"] for one in plain["columns"]] == [None, None, None]
    used = preview(api, query=f"?mapping_name={quote(saved['name'])}")
    assert [one["target"] for one in used["columns"]] == ["mqs_business_name", "mqs_legal_entity", None]
    assert preview(api, FILE.replace(b"Note", b"Notes"))["saved_mappings"] == []
    path = (
        f"/batch_operations/imports?mapping_name={quote(saved['name'])}&options={quote(json.dumps({'dry_run': True}))}"
    )
    assert api.send("POST", path, FILE, content_type="text/csv").json()["accepted"] == 1


def test_what_cannot_be_saved_or_used_is_refused(api: Api, demo: object, monkeypatch: pytest.MonkeyPatch) -> None:
    save(api)

    assert_problem(save(api), 409, "mapping_exists")
    assert_problem(save(api, "Other", {"Who": "mqs_busines_name"}), 422, "invalid_mapping")
    assert_problem(save(api, "Other", {"Who": "title", "What": "title"}), 422, "invalid_mapping")
    assert_problem(save(api, "123-45-6789"), 422, "sensitive_text_refused")
    assert_problem(save(api, " \u200b"), 422, "wrong_value")
    monkeypatch.setattr("operations.imports.stored_mappings.MOST_MAPPINGS", 1)
    assert_problem(save(api, "Other"), 409, "too_many_mappings")
    for query, code in (
        ("mapping_name=Nothing", "unknown_mapping"),
        (f"mapping_name={quote(chr(34))}&mapping={quote('{}')}", "two_mappings"),
    ):
        response = api.send("POST", f"{PREVIEW}?{query}", FILE, content_type="text/csv")
        assert_problem(response, 422, code)
    assert len(api.get(MAPPINGS).json()["results"]) == 1


def test_the_names_of_columns_are_short_and_contain_no_personal_number(api: Api, demo: object) -> None:
    for column, code in (
        ("987-65-4321", "sensitive_text_refused"),
        ("Ona Owner SSN 987654321", "sensitive_text_refused"),
        ("x" * 201, "wrong_value"),
        ("a\nb", "wrong_value"),
    ):
        problem = assert_problem(save(api, "Columns", {"Who": "title", column: None}), 422, code)
        assert "name of column 2" in problem["detail"]
        assert column not in problem["detail"]
    assert_problem(save(api, "Columns", {"Who": "x" * 201}), 422, "invalid_body")
    assert_problem(save(api, "Columns", {f"c{number}": None for number in range(1_001)}), 422, "invalid_body")
    many = json.dumps({f"c{number}": None for number in range(1_001)})
    form = encode_multipart(BOUNDARY, {"file": SimpleUploadedFile("x.csv", FILE), "mapping": many})
    assert_problem(api.send("POST", PREVIEW, form, content_type=MULTIPART_CONTENT), 413, "file_too_large")
    assert api.get(MAPPINGS).json()["results"] == []


def test_lists_and_previews_read_no_columns_of_saved_mappings(api: Api, demo: object) -> None:
    save(api)
    with CaptureQueriesContext(connection) as queries:
        api.get(MAPPINGS)
        assert preview(api, FILE.replace(b"Who,What", b"What,Who"))["saved_mappings"] == ["Our broker's file"]

    asked = [query["sql"] for query in queries if 'FROM "operations_importmapping"' in query["sql"]]
    assert len(asked) == 2
    assert not [sql for sql in asked if '"operations_importmapping"."mapping"' in sql]


def test_only_its_owner_deletes_it(api: Api, demo: object, harbor: Tenant) -> None:
    mapping_id = save(api).json()["id"]
    other = ApiClient.objects.create(
        client_id="other", client_secret="x", name="Other", allowed_scopes=every_right(), tenant=harbor
    )

    assert_problem(Api(other).delete(f"{MAPPINGS}/{mapping_id}"), 403, "not_your_mapping")
    assert_problem(Api(other, [Right.READ_FORMS]).get(MAPPINGS), 403, "missing_right")
    assert [one["is_yours"] for one in Api(other).get(MAPPINGS).json()["results"]] == [False]
    assert_problem(api.delete(f"{MAPPINGS}/{NOBODY}"), 404, "not_found")
    assert api.delete(f"{MAPPINGS}/{mapping_id}").status_code == 204
    assert api.get(MAPPINGS).json()["results"] == []


def test_another_tenant_sees_and_uses_nothing_of_it(api: Api, foreigner: Api, demo: object, harbor: Tenant) -> None:
    mapping_id = save(api).json()["id"]

    assert foreigner.get(MAPPINGS).json()["results"] == []
    assert_problem(foreigner.get(f"{MAPPINGS}/{mapping_id}"), 404, "not_found")
    assert_problem(foreigner.delete(f"{MAPPINGS}/{mapping_id}"), 404, "not_found")
    assert preview(foreigner)["saved_mappings"] == []
    with use_tenant(harbor):
        assert ImportMapping.objects.count() == 1
