"""Bodies and queries: unknown fields are refused, and no value is converted to another type."""

from __future__ import annotations

from datetime import date

import pytest

from partner_engine.api.bodies import (
    AnswersChange,
    CopyChange,
    DryRunQuery,
    FormsQuery,
    NewForm,
    RevealInput,
)
from partner_engine.api.http.input import Nothing, read_body, read_query
from partner_engine.problems import Refused


def test_a_body_is_read() -> None:
    body = read_body({"answers": {"a": 1}, "as_of": "2026-06-01"}, NewForm)

    assert body == NewForm(answers={"a": 1}, as_of=date(2026, 6, 1))


@pytest.mark.parametrize(
    ("value", "type_", "code", "pointer"),
    [
        ([], NewForm, "wrong_type", ""),
        (None, NewForm, "wrong_type", ""),
        ("x", AnswersChange, "wrong_type", ""),
        ({"answers": []}, AnswersChange, "wrong_type", "/answers"),
        ({"title": 7}, CopyChange, "wrong_type", "/title"),
        ({"reason": "to file a claim", "purpose": "claim"}, RevealInput, "missing_field", "/path"),
        ({"title": "x" * 201}, CopyChange, "invalid_value", "/title"),
        ({"title": "x", "tenant_id": "y"}, CopyChange, "unknown_field", "/tenant_id"),
        ({"version": 1}, Nothing, "unknown_field", "/version"),
        ({"as_of": "2026-02-30"}, NewForm, "invalid_value", "/as_of"),
        ({"as_of": 5}, NewForm, "wrong_type", "/as_of"),
        ({"path": "", "purpose": "carrier", "reason": "to file a claim"}, RevealInput, "invalid_value", "/path"),
    ],
)
def test_invalid_bodies(value: object, type_: type, code: str, pointer: str) -> None:
    with pytest.raises(Refused) as refused:
        read_body(value, type_)

    assert refused.value.status == 422
    assert [(fault.code, fault.pointer) for fault in refused.value.faults] == [(code, pointer)]


@pytest.mark.parametrize(("text", "dry"), [("true", True), ("false", False)])
def test_a_query_is_read(text: str, dry: bool) -> None:
    assert read_query({"dry_run": [text]}, DryRunQuery) == DryRunQuery(dry_run=dry)


@pytest.mark.parametrize(
    ("parameters", "type_", "code"),
    [
        ({"dryrun": ["true"]}, DryRunQuery, "unknown_field"),
        *(({"dry_run": [text]}, DryRunQuery, "wrong_type") for text in ("perhaps", "1", "0", "TRUE", "True", "on", "")),
        *(({"test": [text]}, FormsQuery, "wrong_type") for text in ("1", "False", "yes")),
        ({"dry_run": ["true", "false"]}, DryRunQuery, "duplicate_parameter"),
        ({"limit": ["0"]}, FormsQuery, "invalid_value"),
        ({"limit": ["101"]}, FormsQuery, "invalid_value"),
        ({"state": ["open"]}, FormsQuery, "invalid_value"),
        ({"updated_since": ["2026-01-01T00:00:00"]}, FormsQuery, "invalid_value"),
    ],
)
def test_a_wrong_query_is_refused_and_not_ignored(parameters: dict[str, list[str]], type_: type, code: str) -> None:
    with pytest.raises(Refused) as refused:
        read_query(parameters, type_)

    assert refused.value.status == 400
    assert [(fault.code, fault.path) for fault in refused.value.faults] == [(code, next(iter(parameters)))]
