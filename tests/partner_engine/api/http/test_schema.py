"""The OpenAPI description and its pages."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
import yaml
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client

from catalogue.demo import Sample
from partner_engine.api.form_aliases import FORM_ALIASES
from partner_engine.api.http.description import response_name
from partner_engine.api.http.problem_examples import CODES
from partner_engine.api.http.schema_components import described
from partner_engine.problems import MEDIA_TYPE, Problem
from tests.harness.api_client import NOBODY, Api
from tests.harness.web_servers import ROOT
from tests.partner_engine.api.test_routes import ALIASES, PUBLIC, ROWS

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the description, which is valid and made without a warning."""
    file = tmp_path_factory.mktemp("openapi") / "openapi.json"
    call_command("spectacular", format="openapi-json", validate=True, fail_on_warn=True, file=str(file))
    return json.loads(file.read_text())  # type: ignore[no-any-return]


def resolved(description: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """Return the component that ``part`` refers to, or ``part`` itself."""
    if "$ref" not in part:
        return part
    *_, kind, name = part["$ref"].split("/")
    found: dict[str, Any] = description["components"][kind][name]
    return found


def test_it_contains_every_operation(description: dict[str, Any]) -> None:
    told = {
        (method.upper(), path.removeprefix("/api/v1/"))
        for path, operations in description["paths"].items()
        for method in operations
    }

    assert description["openapi"].startswith("3.1")
    aliases = {re.sub(r"<\w+:(\w+)>", r"{\1}", address) for address in ALIASES}
    rows = {(row.method, re.sub(r"<\w+:(\w+)>", r"{\1}", row.address)) for row in ROWS}
    assert {(method, path) for method, path in told if path not in aliases | PUBLIC} == rows
    assert aliases <= {path for _, path in told}


def test_every_operation_is_described_with_its_errors(description: dict[str, Any]) -> None:
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation["summary"] and operation["description"], where
            for status in ("401", "403", "404", "500"):
                content = resolved(description, operation["responses"][status])["content"]
                assert content["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Problem"}, where
            if method != "get":
                assert "422" in operation["responses"], where


def test_every_reference_resolves(description: dict[str, Any]) -> None:
    names = set(re.findall(r"#/components/schemas/([\w.]+)", json.dumps(description)))

    assert names == set(description["components"]["schemas"])


def test_shared_parts_are_referred_to_and_exist(description: dict[str, Any]) -> None:
    for kind in ("responses", "headers", "parameters", "examples"):
        names = set(re.findall(rf"#/components/{kind}/([\w.-]+)", json.dumps(description)))
        assert names <= set(description["components"][kind]), kind


def test_every_operation_has_an_example_of_its_bodies(description: dict[str, Any]) -> None:
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
            for content in (body.get("content", {}).get("application/json") for body in bodies):
                is_json = content is not None and content["schema"].get("format") != "binary"
                assert not is_json or content["examples"], f"{method} {path}"


def test_examples_are_what_their_structs_take(description: dict[str, Any]) -> None:
    for name, example in description["components"]["examples"].items():
        msgspec.convert(example["value"], described(name))


def test_each_error_has_an_example_with_its_status_and_code(description: dict[str, Any]) -> None:
    for status, codes in CODES.items():
        content = description["components"]["responses"][response_name(status)]["content"]["application/problem+json"]
        for code in codes:
            problem = content["examples"][code]["value"]
            assert (problem["status"], problem["type"]) == (status, f"urn:partner-engine:problem:{code}")
            msgspec.convert(problem, Problem)


def test_the_page_of_errors_lists_the_same_codes() -> None:
    rows = re.findall(r"^\| ([0-9, ]+) \| (`[^|]*`) \|", (ROOT / "docs" / "api.md").read_text(), re.MULTILINE)
    listed = {code for _, codes in rows for code in re.findall(r"`(\w+)`", codes)}

    assert listed == {code for codes in CODES.values() for code in codes}
    for statuses, codes in rows:
        for code in re.findall(r"`(\w+)`", codes):
            assert any(code in CODES[int(status)] for status in statuses.split(", ")), code


def test_times_have_their_format(description: dict[str, Any]) -> None:
    copy = description["components"]["schemas"]["CopyShape"]["properties"]

    assert copy["created_at"] == {"type": "string", "format": "date-time"}
    assert {"type": "string", "format": "date-time"} in copy["locked_at"]["anyOf"]


def test_bodies_are_typed(description: dict[str, Any]) -> None:
    schemas = description["components"]["schemas"]
    for name in ("NewForm", "AnswersChange"):
        rows = schemas[name]["properties"]["answer_pools"]["additionalProperties"]
        assert rows == {"type": "array", "items": {"$ref": "#/components/schemas/RowInput"}}
        assert {"type": "number"} in schemas[name]["properties"]["answers"]["additionalProperties"]["anyOf"]


def test_it_is_small_and_sent_once() -> None:
    client = Client()
    first = client.get("/api/v1/schema")
    again = client.get("/api/v1/schema", headers={"If-None-Match": first["ETag"]})
    packed = client.get("/api/v1/schema", headers={"Accept-Encoding": "gzip"})
    yaml_text = client.get("/api/v1/schema?format=yaml")

    assert len(first.content) < 400_000
    assert (again.status_code, again.content) == (304, b"")
    assert gzip.decompress(packed.content) == first.content
    assert packed["ETag"] != first["ETag"]
    assert yaml.safe_load(yaml_text.content)["paths"].keys() == first.json()["paths"].keys()


def test_headers_are_documented_where_they_are_sent(description: dict[str, Any], api: Api, s1: Sample) -> None:
    copy = api.start(s1)["id"]
    requests = [
        ("post", "application_forms", api.post("/application_forms", {}, Idempotency_Key="a")),
        ("post", "application_forms", api.post("/application_forms", {}, Idempotency_Key="a")),
        ("get", "application_forms", api.get("/application_forms")),
        ("get", "application_forms/{id}", api.get(f"/application_forms/{copy}")),
        ("get", "copies/{id}", api.get(f"/copies/{copy}")),
        ("patch", "copies/{id}", api.patch(f"/copies/{copy}", {"title": "x"})),
        ("patch", "application_forms/{id}/answers", api.patch(f"/application_forms/{copy}/answers", {"answers": {}})),
        ("get", "copies/{id}/history", api.get(f"/copies/{copy}/history")),
        ("post", "copies/{id}/messages", api.post(f"/copies/{copy}/messages", {"text": "x", "severity": "info"})),
        ("post", "copies/{id}/guest_links", api.post(f"/copies/{copy}/guest_links", {})),
        ("post", "copies/{id}/lock", api.post(f"/copies/{copy}/lock", {})),
        ("patch", "copies/{id}", api.patch(f"/copies/{copy}", {"title": "y"})),
        ("post", "copies/{id}/unlock", api.post(f"/copies/{copy}/unlock", {})),
        ("get", "me", api.get("/me")),
        ("get", "me", api.get("/me", Authorization="Bearer nonsense")),
        ("get", "catalogue", api.get("/catalogue")),
        ("post", "tickets", api.post("/tickets", {"copy_id": copy})),
    ]

    for method, path, response in requests:
        operation = description["paths"][f"/api/v1/{path}"][method]
        documented = resolved(description, operation["responses"][str(response.status_code)])
        # The framework sends Allow everywhere; the headers of limits are described once, at the errors.
        named = [name for name in description["components"]["headers"] if not name.startswith(("X-RateLimit", "Allow"))]
        sent = {name for name in named if name in response.headers}
        assert sent <= set(documented["headers"]), f"{method} {path}"
        always = {"ETag", "X-Correlation-ID", "Deprecation"}
        assert always & set(documented["headers"]) <= sent, f"{method} {path}"


def test_the_deprecated_operation_is_marked(description: dict[str, Any]) -> None:
    deprecated = [
        path
        for path, operations in description["paths"].items()
        for operation in operations.values()
        if operation.get("deprecated")
    ]

    paths = {re.sub("<.*:(.*)>", r"{\1}", path) for path, _, _ in FORM_ALIASES}
    assert set(deprecated) == {f"/api/v1/application_forms/{{id}}/{path}" for path in paths}
    names = [operation["operationId"] for found in description["paths"].values() for operation in found.values()]
    assert len(names) == len(set(names))


def test_responses_are_as_described(description: dict[str, Any], api: Api, s1: Sample) -> None:
    schemas = description["components"]["schemas"]
    copy = api.start(s1)
    changes = api.patch(f"/copies/{copy['id']}/answers", {"answers": {"mqs_gl_limit": "l2m"}}).json()

    assert set(copy) == set(schemas["CopyShape"]["properties"]) == set(schemas["CopyShape"]["required"])
    assert set(changes) == set(schemas["ChangesShape"]["properties"])
    for answer in copy["answers"].values():
        assert set(schemas["AnswerShape"]["required"]) <= set(answer) <= set(schemas["AnswerShape"]["properties"])


def test_described_parameters_and_media_types_are_taken(description: dict[str, Any], api: Api) -> None:
    tried = 0
    for path, operations in description["paths"].items():
        address = re.sub(r"{\w+}", NOBODY, path.removeprefix("/api/v1"))
        for method, operation in operations.items():
            parameters = [resolved(description, one) for one in operation["parameters"]]
            query = {one["name"]: "" for one in parameters if one["in"] == "query"}
            responses = [resolved(description, one) for status, one in operation["responses"].items() if status < "3"]
            for media_type in {one for response in responses for one in response.get("content", ())}:
                response = api.send(method.upper(), f"{address}?{urlencode(query)}", b"{}", Accept=media_type)
                assert response.status_code != 406, (method, path, media_type)
                codes = {fault["code"] for fault in _faults(response) if fault["path"] in query}
                assert "unknown_field" not in codes, (method, path, response.content)
                tried += 1
    assert tried > 100


def _faults(response: HttpResponse) -> list[dict[str, Any]]:
    is_problem = response["Content-Type"] == MEDIA_TYPE
    return json.loads(response.content)["errors"] if is_problem else []  # type: ignore[no-any-return]


def test_every_success_has_a_body_that_is_described(description: dict[str, Any]) -> None:
    without = {
        (status, path)
        for path, operations in description["paths"].items()
        for operation in operations.values()
        for status, response in operation["responses"].items()
        if status < "3" and status != "204" and "content" not in resolved(description, response)
    }

    assert without == set()


def test_a_form_with_a_file_is_described_with_its_parts(description: dict[str, Any]) -> None:
    imports = description["paths"]["/api/v1/batch_operations/imports"]["post"]

    form = imports["requestBody"]["content"]["multipart/form-data"]["schema"]
    parameters = {resolved(description, one)["name"] for one in imports["parameters"] if "name" not in one} | {
        one["name"] for one in imports["parameters"] if "name" in one
    }
    assert (form["required"], form["additionalProperties"]) == (["file"], False)
    assert set(form["properties"]) == {"file", *parameters} - {"Idempotency-Key"}


@pytest.mark.parametrize("socket", ["0" * 32, "0" * 500, ""])
def test_any_socket_id_is_described_and_taken(description: dict[str, Any], api: Api, s1: Sample, socket: str) -> None:
    copy = api.start(s1)["id"]

    renamed = api.patch(f"/copies/{copy}", {"title": "Renamed"}, X_Socket_Id=socket)

    assert renamed.status_code == 200
    assert description["components"]["parameters"]["SocketId"]["schema"] == {"type": "string"}


def test_the_pages_load_nothing_from_elsewhere() -> None:
    client = Client()
    page = client.get("/api/v1/docs")
    script = client.get("/api/v1/docs?script=")

    content = page.content.decode()
    assert (page.status_code, script.status_code) == (200, 200)
    assert re.findall(r"(?:src|href)=\"(https?:)?//[^\"]*", content) == []
    assets = re.findall(r"(?:src|href)=\"/static/([^\"]+)\"", content)
    assert len(assets) >= 3
    assert [asset for asset in assets if finders.find(asset) is None] == []
    assert "<script>" not in content
    assert "'unsafe-eval'" not in page["Content-Security-Policy"]
    assert client.get("/api/v1/schema").status_code == 200
