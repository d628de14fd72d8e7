"""Rows match by id, then lineage, then unambiguous key fields, whatever their order."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copies.document import Answer, PoolRow
from copies.row_matching import align_rows, match_rows

KEY = ("street", "zip")


def row(identity, street=None, zip_code=None, *, lineage=None, sealed=False):
    answers = {}
    if street is not None:
        answers["street"] = Answer(sealed=b"x", mask="••••") if sealed else Answer(value=street)
    if zip_code is not None:
        answers["zip"] = Answer(value=zip_code)
    return PoolRow(id=identity, answers=answers, lineage=lineage)


def ids(left, right, key=KEY):
    return [(one and one.id, other and other.id) for one, other in match_rows(left, right, key)]


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ([], [], []),
        ([row("1")], [], [("1", None)]),
        ([], [row("1")], [(None, "1")]),
        ([row("1"), row("2")], [row("2"), row("1")], [("1", "1"), ("2", "2")]),
        # A key never overrules an id.
        ([row("1", "A", "1"), row("2", "B", "2")], [row("1", "B", "2"), row("2", "A", "1")], [("1", "1"), ("2", "2")]),
        ([row("1", "A", "1")], [row("1", "Z", "9"), row("3", "A", "1")], [("1", "1"), (None, "3")]),
        # Lineage: a clone, both clones of a third, and a lineage that occurs twice.
        ([row("1")], [row("8", lineage="1")], [("1", "8")]),
        ([row("7", lineage="1")], [row("8", lineage="1")], [("7", "8")]),
        ([row("1")], [row("8", lineage="1"), row("9", lineage="1")], [("1", None), (None, "8"), (None, "9")]),
        # Keys: all fields are answered, equal, and unique among the rows that are left.
        ([row("1", "A", "1")], [row("2", "A", "1")], [("1", "2")]),
        ([row("1", "A")], [row("2", "A")], [("1", None), (None, "2")]),
        ([row("1", "A", "1")], [row("2", "A", 1)], [("1", None), (None, "2")]),
        (
            [row("1", "A", "1"), row("2", "A", "1")],
            [row("3", "A", "1")],
            [("1", None), ("2", None), (None, "3")],
        ),
        ([row("1", "A", "1"), row("2", "A", "1")], [row("1", "A", "1"), row("3", "A", "1")], [("1", "1"), ("2", "3")]),
        # A sealed key is no key.
        ([row("1", "A", "1", sealed=True)], [row("2", "A", "1", sealed=True)], [("1", None), (None, "2")]),
    ],
)
def test_rows_are_matched(left, right, expected):
    assert ids(left, right) == expected


def test_a_pool_without_key_matches_by_id_alone():
    assert ids([row("1", "A", "1")], [row("2", "A", "1")], key=()) == [("1", None), (None, "2")]


def test_answers_that_the_reader_may_not_compare_are_no_key():
    pairs = match_rows([row("1", "A", "1")], [row("2", "A", "1")], KEY, comparable=lambda code, _: code != "street")

    assert [(one and one.id, other and other.id) for one, other in pairs] == [("1", None), (None, "2")]


def test_a_row_of_a_third_document_is_matched_with_any_earlier_one():
    sides = ([row("1", "A", "1")], [row("2", "A", "1"), row("3")], [row("3"), row("2", "changed", "1")])

    aligned = align_rows(sides, KEY)

    assert [[found and found.id for found in group] for group in aligned] == [["1", "2", "2"], [None, "3", "3"]]


rows = st.lists(
    st.builds(
        row,
        st.integers(0, 30).map(str),
        st.sampled_from([None, "A", "B", "C"]),
        st.sampled_from([None, "1", "2"]),
        lineage=st.sampled_from([None, None, "1", "2", "40"]),
    ),
    max_size=8,
    unique_by=lambda found: found.id,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows, rows, st.randoms(use_true_random=False))
def test_order_has_no_meaning_and_no_row_is_lost(left, right, chance: random.Random):
    shuffled_left, shuffled_right = chance.sample(left, len(left)), chance.sample(right, len(right))

    pairs = ids(left, right)

    assert sorted(map(str, pairs)) == sorted(map(str, ids(shuffled_left, shuffled_right)))
    assert [one for one, _ in pairs if one] == [found.id for found in left]
    assert sorted(other for _, other in pairs if other) == sorted(found.id for found in right)
    assert sorted(map(str, pairs)) == sorted(str((one, other)) for other, one in ids(right, left))
