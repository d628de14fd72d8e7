"""Paths: every form of them in a table, and building against reading."""

import json
import pickle

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from copies.paths import (
    BYPASSED,
    EXCLUDED,
    Path,
    attached_path,
    is_below,
    is_in_document,
    join_path,
    question_set_path,
    row_steps,
    split_first,
    split_path,
    split_prefix,
)

KINDS = ("is_answer", "is_row", "is_question_set", "is_exclusion", "is_attached", "is_in_document")


@pytest.mark.parametrize(
    ("path", "kinds"),
    [
        ("name", {"is_answer", "is_in_document"}),
        ("copy", {"is_answer", "is_in_document"}),
        ("locations/1", {"is_row", "is_in_document"}),
        ("events/7", {"is_row", "is_in_document"}),
        ("locations/1/state", {"is_answer", "is_in_document"}),
        ("locations/1/buildings", {"is_answer", "is_in_document"}),
        ("locations/1/buildings/2", {"is_row", "is_in_document"}),
        ("question_sets/start", {"is_question_set", "is_in_document"}),
        ("forced_excluded_products/HP-BOP", {"is_exclusion", "is_in_document"}),
        ("agent_bypassed_products/HP-BOP", {"is_in_document"}),
        ("copy/title", set()),
        ("application_form/reference", set()),
        ("copy.messages/1", {"is_attached"}),
        ("form.dispositions/1", {"is_attached"}),
    ],
)
def test_every_form_of_a_path(path: str, kinds: set[str]) -> None:
    assert {kind for kind in KINDS if getattr(Path(path), kind)} == kinds
    assert is_in_document(path) is ("is_in_document" in kinds)


@pytest.mark.parametrize(
    ("path", "code", "parent", "row", "pool", "around"),
    [
        ("name", "name", "", "", "", []),
        ("locations/1", "1", "locations", "locations/1", "locations", []),
        ("locations/1/state", "state", "locations/1", "locations/1", "locations", ["locations/1"]),
        ("a/1/b/2", "2", "a/1/b", "a/1/b/2", "b", ["a/1"]),
        ("a/1/b/2/c", "c", "a/1/b/2", "a/1/b/2", "b", ["a/1", "a/1/b/2"]),
        ("question_sets/start", "start", "question_sets", "", "", []),
        ("copy/title", "title", "copy", "", "", []),
        ("copy.messages/1", "1", "copy.messages", "", "", []),
        ("", "", "", "", "", []),
    ],
)
def test_the_parts_of_a_path(path: str, code: str, parent: str, row: str, pool: str, around: list[str]) -> None:
    read = Path(path)

    assert (read.code, read.parent, read.row, read.pool, list(read.rows_around())) == (code, parent, row, pool, around)
    # msgspec encodes no subclass: nothing that leaves a path may be one.
    assert {type(part) for part in (read.code, read.parent, read.row, read.pool, *read.steps, *around)} == {str}


@pytest.mark.parametrize(
    ("path", "kind", "owner"),
    [
        ("copy.messages/1", "messages", ""),
        ("form.dispositions/1", "dispositions", ""),
        ("copy/title", "", "copy"),
        ("application_form/reference", "", "application_form"),
        ("copy", "", ""),
        ("name", "", ""),
        ("locations/1", "", ""),
    ],
)
def test_what_lies_outside_the_document(path: str, kind: str, owner: str) -> None:
    assert (Path(path).kind, Path(path).field_owner) == (kind, owner)


def test_a_path_is_its_text_for_everybody_else() -> None:
    path = Path("locations/1/state")

    assert path == "locations/1/state"
    assert {path: 1} == {"locations/1/state": 1}
    assert json.loads(json.dumps({path: path})) == {"locations/1/state": "locations/1/state"}
    assert pickle.loads(pickle.dumps(path)) == path  # noqa: S301 - its own bytes
    assert msgspec.json.encode(question_set_path("start")) == b'"question_sets/start"'


@pytest.mark.parametrize(
    ("prefix", "parts", "path"),
    [("", ("a",), "a"), ("", ("p", "1"), "p/1"), ("p/1", ("a",), "p/1/a")],
)
def test_join_path(prefix: str, parts: tuple[str, ...], path: str) -> None:
    assert join_path(prefix, *parts) == path


@pytest.mark.parametrize(
    ("path", "other", "below"),
    [("a/1/b", "a/1", True), ("a/1", "a/1", False), ("a/12", "a/1", False), ("a", "a/1", False)],
)
def test_is_below(path: str, other: str, below: bool) -> None:
    assert is_below(path, other) is below


codes = st.text("abXY_9", min_size=1, max_size=6)
row_ids = st.uuids().map(str)
rows = st.lists(st.tuples(codes, row_ids), max_size=4)


@given(rows=rows, code=codes)
def test_an_answers_path_reads_as_it_was_built(rows: list[tuple[str, str]], code: str) -> None:
    row = join_path("", *(step for pair in rows for step in pair))

    path = join_path(row, code)

    read = Path(path)
    assert read.is_answer
    assert (read.row, read.parent, read.code) == (row, row, code)
    assert read.pool == (rows[-1][0] if rows else "")
    assert read.steps == [*(step for pair in rows for step in pair), code]
    assert list(read.rows_around()) == [
        join_path("", *(step for pair in rows[:length] for step in pair)) for length in range(1, len(rows) + 1)
    ]
    prefix = f"{row}/" if row else ""
    assert row_steps(path) == row_steps(row) == row_steps(prefix) == rows
    assert split_path(path) == (row, code)
    assert split_prefix(path) == (prefix, code)
    first, rest = split_first(path)
    assert join_path(first, rest) == path if rest else first == path


@given(rows=rows.filter(bool))
def test_a_rows_path_reads_as_it_was_built(rows: list[tuple[str, str]]) -> None:
    path = join_path("", *(step for pair in rows for step in pair))

    read = Path(path)
    assert read.is_row and not read.is_answer and read.is_in_document
    assert (read.row, read.pool, read.code) == (path, *rows[-1])
    assert all(is_below(path, row) for row in read.rows_around())
    assert len(list(read.rows_around())) == len(rows) - 1


@given(kind=codes, identity=row_ids, of_form=st.booleans())
def test_an_attached_records_path_reads_as_it_was_built(kind: str, identity: str, *, of_form: bool) -> None:
    read = Path(attached_path(kind, identity, of_form=of_form))

    assert read.is_attached and not (read.is_in_document or read.is_row or read.is_answer)
    assert (read.kind, read.code) == (kind, identity)


@given(code=codes)
def test_a_question_sets_path_reads_as_it_was_built(code: str) -> None:
    read = Path(question_set_path(code))

    assert read.is_question_set and read.code == code
    assert not Path(join_path(EXCLUDED, code)).is_question_set
    assert not Path(join_path(BYPASSED, code)).is_row
