"""Differences between documents are those that a reader sees, and do not depend on the order of rows."""

from __future__ import annotations

import random
from copy import deepcopy
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copies.diff import AnswerDifference, RowDifference, differences, is_same_value
from copies.document import Answer, AnsweredBy, Document, PoolRow, walk_containers
from copies.paths import join_path

EARLIER, LATER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
KEYS = {"places": ("street",)}


def document(answers=(), rows=()):
    return Document(
        answers={code: as_answer(value) for code, value in dict(answers).items()},
        answer_pools={"places": list(rows)} if rows else {},
    )


def as_answer(value):
    return value if isinstance(value, Answer) else Answer(value=value)


def place(identity, *, rooms=(), **answers):
    return PoolRow(
        id=identity,
        answers={code: as_answer(value) for code, value in answers.items()},
        answer_pools={"rooms": list(rooms)} if rooms else {},
    )


def secret(at, *, sealed=b"x", by="a"):
    return Answer(sealed=sealed, mask="•••• 4321", tag="spi", updated_at=at, answered_by=AnsweredBy("user", by))


def found(*documents, **options):
    return [
        (difference.path, "row" if isinstance(difference, RowDifference) else difference.is_of_visibility)
        for difference in differences(documents, KEYS, **options)
    ]


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [("a", False)]),
        ({"a": 1}, {"a": None}, [("a", False)]),
        ({"a": None}, {"a": ""}, []),
        ({"a": Answer(value=1, updated_at=EARLIER)}, {"a": Answer(value=1, updated_at=LATER)}, []),
        ({"a": ["x", "y"]}, {"a": ["y", "x"]}, []),
        ({"a": ["x", "y"]}, {"a": ["x"]}, [("a", False)]),
        ({"a": 5}, {"a": 5.0}, []),
        # Asked in one document only: a difference of visibility, if there is an answer to miss.
        ({"a": 1}, {}, [("a", True)]),
        ({"a": 1}, {"a": Answer(value=1, active=False)}, [("a", True)]),
        ({"a": 1}, {"a": Answer(value=2, active=False)}, [("a", True)]),
        ({"a": None}, {"a": Answer(value=2, active=False)}, []),
        ({"a": Answer(value=1, active=False)}, {"a": Answer(value=2, active=False)}, []),
        # Sealed values are compared by author and time alone.
        ({"a": secret(EARLIER, sealed=b"1")}, {"a": secret(EARLIER, sealed=b"2")}, []),
        ({"a": secret(EARLIER)}, {"a": secret(LATER)}, [("a", False)]),
        ({"a": secret(EARLIER)}, {"a": secret(EARLIER, by="b")}, [("a", False)]),
        ({"a": secret(None)}, {"a": secret(None, sealed=b"2")}, [("a", False)]),
        ({"a": secret(EARLIER)}, {"a": None}, [("a", False)]),
    ],
)
def test_answers_are_compared(left, right, expected):
    assert found(document(left), document(right)) == expected


def test_answers_that_the_reader_may_not_read_are_never_compared_by_value():
    left = document({"dob": Answer(value="1990-01-01", updated_at=EARLIER)})
    guess = document({"dob": Answer(value="1990-01-01", updated_at=LATER)})
    other = document({"dob": Answer(value="1991-01-01", updated_at=EARLIER)})

    def hidden(code, answer):
        return False

    assert found(left, guess) == []
    assert found(left, guess, comparable=hidden) == [("dob", False)]
    assert found(left, other, comparable=hidden) == []


def test_rows_are_compared_wherever_they_are():
    left = document(rows=[place("1", street="A", size=1), place("2", street="B", size=2), place("3", street="C")])
    right = document(rows=[place("9", street="C"), place("2", street="B", size=3), place("4", street="D")])

    result = differences([left, right], KEYS)

    assert [(type(one), one.paths) for one in result] == [
        (AnswerDifference, ("places/2/size", "places/2/size")),
        (RowDifference, ("places/1", None)),
        (RowDifference, (None, "places/4")),
    ]


def test_a_row_that_is_put_away_is_missed_by_nobody():
    row = place("1", street=Answer(value="A", active=False))

    assert found(document(), document(rows=[row])) == []
    assert found(document(), document(rows=[place("1")])) == [("places/1", "row")]


def test_nested_rows_are_compared_below_matched_rows():
    left = document(rows=[place("1", street="A", rooms=[place("r", size=1), place("s", size=1)])])
    right = document(rows=[place("7", street="A", rooms=[place("s", size=2), place("r", size=1)])])

    result = differences([left, right], KEYS)

    assert [one.paths for one in result] == [("places/1/rooms/s/size", "places/7/rooms/s/size")]


def test_four_documents_stand_side_by_side():
    documents = [
        document({"a": 1}, [place("1", street="A", size=1)]),
        document({"a": 1}, [place("1", street="A", size=1), place("2", street="B", size=5)]),
        document({"a": 2}, [place("2", street="B", size=6)]),
        document({"a": Answer(value=1, active=False)}, [place("1", street="A", size=1)]),
    ]

    answer, size, first, second = differences(documents, KEYS)

    assert [one and one.value for one in answer.answers] == [1, 1, 2, None]
    assert not answer.is_of_visibility
    assert (first.paths, second.paths) == (
        ("places/1", "places/1", None, "places/1"),
        (None, "places/2", "places/2", None),
    )
    assert size.paths == (None, "places/2/size", "places/2/size", None)


values = st.sampled_from([None, "", "x", "y", 1, 1.0, 2, ["p"], ["p", "q"], ["q", "p"]])
answer_maps = st.dictionaries(
    st.sampled_from("abcd"),
    st.builds(Answer, value=values, active=st.booleans(), updated_at=st.sampled_from([EARLIER, LATER])),
)
row_lists = st.lists(
    st.builds(PoolRow, id=st.sampled_from("123456"), answers=answer_maps), max_size=5, unique_by=lambda row: row.id
)
documents_ = st.builds(Document, answers=answer_maps, answer_pools=st.fixed_dictionaries({"places": row_lists}))


def cells(document_):
    """Return what a reader sees: a cell per asked answer with a value, and per row."""
    shown = {}
    for prefix, container in walk_containers(document_):
        for code, answer in container.answers.items():
            if answer.active:
                shown[join_path(prefix, code)] = answer.value
    return shown


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents_, documents_, st.randoms(use_true_random=False))
def test_differences_are_those_of_the_cells(left, right, chance: random.Random):
    found_ = differences([left, right], {})
    ours, theirs = cells(left), cells(right)
    rows = {f"places/{row.id}" for side in (left, right) for row in side.answer_pools["places"]}
    lacking = {one.path for one in found_ if isinstance(one, RowDifference)}
    common = {
        row
        for row in rows
        if all(any(f"places/{found.id}" == row for found in side.answer_pools["places"]) for side in (left, right))
    }

    def is_blank(value):
        return value in (None, "", [])

    expected = {
        path
        for path in ours.keys() | theirs.keys()
        if "/" not in path or path.rpartition("/")[0] in common
        if not (path in ours and path in theirs and is_same_value(ours[path], theirs[path]))
        and not (is_blank(ours.get(path)) and is_blank(theirs.get(path)))
    }

    assert {one.path for one in found_ if isinstance(one, AnswerDifference)} == expected
    assert lacking.isdisjoint(common)

    shuffled = deepcopy(right)
    chance.shuffle(shuffled.answer_pools["places"])
    assert sorted(map(repr, differences([left, shuffled], {}))) == sorted(map(repr, found_))
    assert differences([left, left], {}) == []
