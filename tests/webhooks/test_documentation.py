"""The documentation names every event, and its examples are events."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from webhooks.event_types import event_schema, event_table, event_types, wants

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
EXAMPLES = [json.loads(found) for found in re.findall(r"```json\n(.*?)\n```", PAGE, re.DOTALL)]
#: As strict as can be: what an example holds beyond the schema would be a promise that nobody keeps.
VALIDATOR = jsonschema.Draft202012Validator(event_schema())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["type"])
def test_an_example_is_an_event_and_holds_nothing_else(example: dict) -> None:
    VALIDATOR.validate(example)

    family, _, name = example["type"].partition(".")
    known = next(each for each in event_types() if each.family == family and name in each.names)
    assert set(example["data"]) == set(known.data.__struct_fields__)


def test_every_family_has_an_example_and_every_type_stands_on_the_page() -> None:
    assert {example["type"].partition(".")[0] for example in EXAMPLES} == {known.family for known in event_types()}
    assert event_table() in PAGE, f"docs/webhooks.md needs this table:\n{event_table()}"


def test_an_endpoint_wants_types_families_or_all() -> None:
    assert wants(["*"], "copy.locked") and wants(["copy.*"], "copy.locked") and wants(["copy.locked"], "copy.locked")
    assert not wants(["copy.unlocked", "form.*"], "copy.locked")
