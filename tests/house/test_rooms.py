"""The rooms of the house keep their limits, and the picture of them is current."""

from __future__ import annotations

import pytest

from house.rooms import BEGIN, END, PAGE, House, circles, draw, read_house


@pytest.fixture(scope="module")
def house() -> House:
    """Return the house as it is, read once."""
    return read_house()


def test_the_picture_in_the_docs_is_current(house: House) -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert text.partition(BEGIN)[2].partition(END)[0].strip() == draw(house), "run `make rooms`"


def test_no_files_import_each_other_in_a_circle(house: House) -> None:
    assert circles(house.imports) == []


def test_no_rooms_import_each_other_in_a_circle(house: House) -> None:
    assert circles(house.room_imports()) == []


def test_a_circle_is_detected():
    assert circles({"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a"]}) == [["a", "b", "c"]]


def test_no_room_is_above_a_quarter_of_the_house(house: House) -> None:
    rooms, faces = house.rooms(), house.faces()
    total = sum(rooms.values())
    rooms["partner_engine"] -= sum(faces.values())

    assert {room: lines / total for room, lines in (rooms | faces).items() if lines / total > 0.25} == {}


def test_the_project_without_its_faces_is_below_fifteen_percent(house: House) -> None:
    rooms = house.rooms()

    assert rooms["partner_engine"] - sum(house.faces().values()) < 0.15 * sum(rooms.values())


@pytest.mark.parametrize("module", ["failpoints", "long_running", "tracing"])
def test_single_modules_import_nothing_of_the_product(house: House, module: str) -> None:
    assert house.imports[module] == frozenset()
