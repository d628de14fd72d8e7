"""The OpenAPI description and its pages."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.test import Client

from catalogue.demo import Sample
from partner_engine.api.form_aliases import FORM_ALIASES
from tests.harness.api_client import Api
from tests.partner_engine.api.test_routes import ALIASES, PUBLIC, ROWS

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the description, which is valid and made without a warning."""
    file = tmp_path_factory.mktemp("openapi") / "openapi.json"
    call_command("spectacular", format="openapi-json", validate=True, fail_on_warn=True, file=str(file))
    return json.loads(file.read_text())  # type: ignore[no-any-return]


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
                content = operation["responses"][status]["content"]
                assert content["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Problem"}, where
            if method != "get":
                assert "422" in operation["responses"], where


def test_every_reference_resolves(description: dict[str, Any]) -> None:
    names = set(re.findall(r"#/components/schemas/([\w.]+)", json.dumps(description)))

    assert names == set(description["components"]["schemas"])


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
