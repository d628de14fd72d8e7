"""The files of the API in docs/ are those of the code, and a change that breaks programs is named."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from partner_engine.management.commands.write_api_description import OPENAPI, api_files, text_of
from tests.harness.api_changes import breaking_changes
from tests.harness.web_servers import ROOT

RENEW = "Renew the files with `.venv/bin/python manage.py write_api_description`."


@pytest.fixture(scope="module")
def files() -> dict[str, Any]:
    return {name: json.loads(text_of(content)) for name, content in api_files().items()}


def test_the_files_are_those_of_the_code(files: dict[str, Any]) -> None:
    committed = {name: json.loads((ROOT / "docs" / name).read_text(encoding="utf-8")) for name in files}

    broken = breaking_changes(committed[OPENAPI], files[OPENAPI])
    assert broken == [], f"Within v1 these changes break programs of partners. If they are meant: {RENEW}"
    changed = [name for name, content in files.items() if committed[name] != content]
    assert changed == [], RENEW


def _remove_an_operation(description: dict[str, Any]) -> None:
    del description["paths"]["/api/v1/me"]["get"]


def _remove_a_field(description: dict[str, Any]) -> None:
    del description["components"]["schemas"]["CopyShape"]["properties"]["title"]


def _change_a_type(description: dict[str, Any]) -> None:
    description["components"]["schemas"]["CopyShape"]["properties"]["version"] = {"type": "string"}


def _require_a_field(description: dict[str, Any]) -> None:
    description["components"]["schemas"]["NewForm"]["required"] = ["title"]


def _let_a_field_be_missing(description: dict[str, Any]) -> None:
    description["components"]["schemas"]["CopyShape"]["required"].remove("version")


def _remove_a_parameter(description: dict[str, Any]) -> None:
    operation = description["paths"]["/api/v1/application_forms"]["get"]
    operation["parameters"] = [one for one in operation["parameters"] if one.get("name") != "q"]


def _require_a_parameter(description: dict[str, Any]) -> None:
    operation = description["paths"]["/api/v1/me"]["get"]
    operation["parameters"].append({"name": "new", "in": "query", "required": True, "schema": {"type": "string"}})


def _remove_a_code(description: dict[str, Any]) -> None:
    del description["components"]["responses"]["E423"]["content"]["application/problem+json"]["examples"]["copy_locked"]


def _remove_a_status(description: dict[str, Any]) -> None:
    del description["paths"]["/api/v1/application_forms"]["post"]["responses"]["201"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_remove_an_operation, "GET /api/v1/me is gone."),
        (_remove_a_field, "CopyShape.title is gone."),
        (_change_a_type, "CopyShape.version has another type."),
        (_require_a_field, "NewForm.title is required by now."),
        (_let_a_field_be_missing, "CopyShape.version can be missing by now."),
        (_remove_a_parameter, "GET /api/v1/application_forms no longer takes the parameter query q."),
        (_require_a_parameter, "GET /api/v1/me requires the new parameter query new."),
        (_remove_a_code, "The error code copy_locked (E423) is gone."),
        (_remove_a_status, "POST /api/v1/application_forms no longer documents the status 201."),
    ],
)
def test_a_breaking_change_is_named(
    files: dict[str, Any], change: Callable[[dict[str, Any]], None], sentence: str
) -> None:
    changed = copy.deepcopy(files[OPENAPI])
    change(changed)

    assert sentence in breaking_changes(files[OPENAPI], changed)


def test_additions_break_nothing(files: dict[str, Any]) -> None:
    changed = copy.deepcopy(files[OPENAPI])
    changed["paths"]["/api/v1/new"] = changed["paths"]["/api/v1/me"]
    changed["components"]["schemas"]["CopyShape"]["properties"]["new"] = {"type": "string"}
    changed["components"]["schemas"]["CopyShape"]["required"].append("new")
    changed["components"]["schemas"]["NewForm"]["properties"]["new"] = {"type": "string"}

    assert breaking_changes(files[OPENAPI], changed) == []
