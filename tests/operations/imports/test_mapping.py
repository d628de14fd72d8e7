"""Columns to questions: what names suggest, what a mapping may say, and rows to items."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operations.imports.errors import InvalidMapping
from operations.imports.mapping import Target, Targets, check_mapping, suggest, suggested_mapping
from operations.imports.rows import mapped_row
from operations.imports.table import FileRow
from rules.definition.compiler import compile_catalogue
from tests.harness.kennel_catalogue import KENNELS

CATALOGUE = compile_catalogue(KENNELS)
TARGETS = Targets(CATALOGUE)


@pytest.mark.parametrize(
    ("column", "target", "how"),
    [
        ("kennel_name", "kennel_name", "code"),
        ("  Name of the KENNEL ", "kennel_name", "label"),
        ("Are cats boarded", "has_cats", "label"),
        ("houses[2].runs", "houses[2].runs", "code"),
        ("houses[1].fences[3].fence_feet", "houses[1].fences[3].fence_feet", "code"),
        ("House 2 runs", "houses[2].runs", "code"),
        ("Kennel houses #2 - House", "houses[2].house_name", "label"),
        ("houses (2): Runs", "houses[2].runs", "code"),
        ("House 1 fence 2 height in feet", "houses[1].fences[2].fence_feet", "label"),
        ("houses.runs", "houses[1].runs", "code"),
        ("Runs", "houses[1].runs", "code"),
        ("Height in feet", "houses[1].fences[1].fence_feet", "label"),
        ("Title", "title", "name"),
        ("External reference", "reference", "name"),
        ("Cats at mots", "cat_count", "similar"),
        ("House 9 runs", None, ""),
        ("House 0 runs", None, ""),
        ("House 1", None, ""),
        ("", None, ""),
        ("Zzyzx", None, ""),
    ],
)
def test_a_name_suggests_a_target(column: str, target: str | None, how: str) -> None:
    suggestion = TARGETS.suggest(column)

    found = str(suggestion.target) if suggestion.target else None
    # A row beyond the pool's limit is no target, whatever its name.
    if found is not None and TARGETS.read(found) is None:
        found, how = None, how
    assert found == target
    if target is not None:
        assert suggestion.how == how


def test_a_name_of_several_questions_lists_them() -> None:
    (one,) = suggest(["Phone"], Targets(compile_catalogue(_with_two_phones())))

    assert one.target is None
    assert [str(target) for target in one.candidates] == ["owner_phone", "phone_again"]


def test_two_columns_of_one_target_are_left_to_the_sender() -> None:
    mapping = suggested_mapping(["State", "state", "Runs", "Cats at mots"], TARGETS)

    assert {column: str(target) for column, target in mapping.targets.items()} == {"Runs": "houses[1].runs"}
    assert mapping.unmapped == ("State", "state", "Cats at mots")


def test_a_mapping_is_checked_as_a_whole() -> None:
    with pytest.raises(InvalidMapping) as refused:
        check_mapping(
            {"A": "stat", "B": "state", "C": "state", "D": None, "E": "houses[9].runs", "F": "runs", "Z": "state"},
            ["A", "B", "C", "D", "E", "F"],
            TARGETS,
        )

    assert [(fault.path, fault.code) for fault in refused.value.faults] == [
        ("A", "unknown_target"),
        ("C", "target_taken"),
        ("E", "unknown_target"),
        ("F", "unknown_target"),
        ("Z", "unknown_column"),
    ]


def test_a_row_becomes_the_body_of_a_new_form() -> None:
    columns = {
        "Name": "kennel_name",
        "Cover": "lines",
        "Their id": "reference",
        "H3": "houses[3].runs",
        "H1": "houses[1].runs",
        "F": "houses[3].fences[2].fence_feet",
        "Note": None,
    }
    mapping = check_mapping(columns, list(columns), TARGETS)
    cells = {"Name": "A", "Cover": "care, premises", "Their id": 7, "H3": "3", "H1": 1, "F": "6", "Note": "x"}

    row = mapped_row(FileRow(5, cells), mapping, CATALOGUE)

    assert row.item == {
        "answers": {"kennel_name": "A", "lines": ["care", "premises"]},
        "reference": "7",
        "answer_pools": {
            "houses": [
                {"answers": {"runs": 1}},
                {"answers": {"runs": "3"}, "answer_pools": {"fences": [{"answers": {"fence_feet": "6"}}]}},
            ]
        },
    }
    assert row.column_of("/answer_pools/houses/1/answer_pools/fences/0/answers/fence_feet") == "F"
    assert row.column_of("/answers/unknown") == ""


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("care", ["care"]),
        ("care; premises", ["care", "premises"]),
        ("care|premises|", ["care", "premises"]),
        ("care\npremises", ["care", "premises"]),
        ("Animals in care", ["Animals in care"]),
        (["care"], ["care"]),
        (7, 7),
    ],
)
def test_several_choices_of_one_cell_are_a_list(cell: Any, value: Any) -> None:
    mapping = check_mapping({"C": "lines"}, ["C"], TARGETS)

    assert mapped_row(FileRow(2, {"C": cell}), mapping, CATALOGUE).item == {"answers": {"lines": value}}


TARGET_TEXTS = st.builds(
    lambda code, house, fence: {
        "": Target(code),
        "runs": Target("runs", (("houses", house),)),
        "fence_feet": Target("fence_feet", (("houses", house), ("fences", fence))),
    }.get(code if code in ("runs", "fence_feet") else "", Target(code)),
    st.sampled_from(["kennel_name", "state", "has_cats", "cat_count", "runs", "fence_feet", "title"]),
    st.integers(1, 3),
    st.integers(1, 5),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(TARGET_TEXTS, min_size=1, max_size=8, unique=True), st.randoms())
def test_every_mapped_cell_arrives_once_whatever_the_order(targets: list[Target], random: Any) -> None:
    columns = [str(target) for target in targets]
    random.shuffle(columns)
    mapping = check_mapping({name: name for name in columns}, columns, TARGETS)

    row = mapped_row(FileRow(2, {name: f"v {name}" for name in columns}), mapping, CATALOGUE)

    assert sorted(_texts(row.item)) == sorted(f"v {name}" for name in columns)
    assert sorted(row.columns.values()) == sorted(columns)
    assert suggested_mapping(columns, TARGETS).targets == mapping.targets


def _texts(item: Any) -> list[str]:
    if isinstance(item, str):
        return [item]
    return [text for part in (item.values() if isinstance(item, dict) else item) for text in _texts(part)]


def _with_two_phones() -> Any:
    first = KENNELS.question_sets[0]
    again = msgspec.structs.replace(first.questions[5], code="phone_again")
    changed = msgspec.structs.replace(first, questions=(*first.questions, again))
    return msgspec.structs.replace(KENNELS, question_sets=(changed, *KENNELS.question_sets[1:]))
