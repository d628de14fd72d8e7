"""Paths and walks over documents."""

import pytest

from copies.document import (
    Answer,
    Document,
    PoolRow,
    find_answer,
    find_container,
    row_number,
    walk_answers,
    walk_containers,
)


@pytest.fixture
def document() -> Document:
    building = PoolRow(id="b1", answers={"sqft": Answer(value=900)})
    location = PoolRow(id="l1", answers={"state": Answer(value="TX")}, answer_pools={"buildings": [building]})
    return Document(answers={"name": Answer(value="Kettle")}, answer_pools={"locations": [location]})


def test_walk_answers_gives_every_path(document: Document) -> None:
    assert [(path, answer.value) for path, answer in walk_answers(document)] == [
        ("name", "Kettle"),
        ("locations/l1/state", "TX"),
        ("locations/l1/buildings/b1/sqft", 900),
    ]


def test_find_container_finds_what_walk_names(document: Document) -> None:
    for prefix, container in walk_containers(document):
        assert find_container(document, prefix) is container


@pytest.mark.parametrize("prefix", ["locations", "locations/none", "buildings/b1", "locations/l1/buildings", "a/b/c/d"])
def test_find_container_finds_nothing_else(document: Document, prefix: str) -> None:
    assert find_container(document, prefix) is None


def test_find_answer_finds_every_answer(document: Document) -> None:
    for path, answer in walk_answers(document):
        assert find_answer(document, path) is answer


@pytest.mark.parametrize("path", ["none", "locations", "locations/l1", "locations/none/state", "locations/l1/sqft"])
def test_find_answer_finds_nothing_else(document: Document, path: str) -> None:
    assert find_answer(document, path) is None


def test_rows_are_numbered_in_their_pool(document: Document) -> None:
    document.answer_pools["locations"].insert(0, PoolRow(id="l0"))

    numbers = {
        path: row_number(document, path)
        for path in ("locations/l0", "locations/l1", "locations/none", "locations/l1/buildings/b1", "locations/l0/a/b")
    }

    assert list(numbers.values()) == [1, 2, 0, 1, 0]


@pytest.mark.parametrize(
    ("value", "answered"), [(None, False), ("", False), ([], False), (0, True), (False, True), ("x", True)]
)
def test_is_answered(value: object, answered: bool) -> None:
    assert Answer(value=value).is_answered is answered  # type: ignore[arg-type]


def test_a_sealed_answer_is_answered() -> None:
    assert Answer(sealed=b"secret").is_answered
