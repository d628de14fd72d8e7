"""The part of a copy that a guest link names, as a table."""

from __future__ import annotations

from typing import Final

import pytest

from batch.changes.guest_scope import CLOSED, WHOLE, GuestScope
from copies.document import PoolRow
from tests.harness.boarding_catalogue import boarding

CATALOGUE: Final = boarding()
START: Final = GuestScope.of(["start"], [])
HOUSES: Final = GuestScope.of(["houses"], [])
ONE: Final = GuestScope.of([], ["kennels/a/street", "income"])
#: Path -> whether it is part of each of WHOLE, START, HOUSES, ONE, CLOSED.
PLACES: Final = {
    "income": (True, True, False, True, False),
    "vet": (True, True, False, False, False),
    "paw_survey": (True, False, False, False, False),
    "kennels": (True, False, True, False, False),
    "kennels/a": (True, False, True, False, False),
    "kennels/a/street": (True, False, True, True, False),
    "kennels/b/street": (True, False, True, False, False),
    "kennels/a/pets": (True, False, False, False, False),
    "kennels/a/pets/b/species": (True, False, False, False, False),
    "unknown": (True, False, False, False, False),
    "question_sets/start": (True, False, False, False, False),
    "copy/title": (True, False, False, False, False),
    "copy.messages/1": (True, False, False, False, False),
    "": (True, False, False, False, False),
    "//": (True, False, False, False, False),
}


@pytest.mark.parametrize("path", PLACES)
def test_what_is_part_of_it(path: str) -> None:
    assert tuple(scope.has(CATALOGUE, path) for scope in (WHOLE, START, HOUSES, ONE, CLOSED)) == PLACES[path]


def test_a_row_is_part_of_it_only_with_everything_in_it() -> None:
    empty, full = PoolRow(id="a"), PoolRow(id="a", answer_pools={"pets": [PoolRow(id="b")]})

    assert HOUSES.has_row(CATALOGUE, "kennels", empty)
    assert not HOUSES.has_row(CATALOGUE, "kennels", full)
    assert GuestScope.of(["houses", "guests"], []).has_row(CATALOGUE, "kennels", full)
    assert not HOUSES.has_row(CATALOGUE, "kennels", PoolRow(id="a", answer_pools={"gone": [PoolRow(id="b")]}))


def test_the_cards_and_rows_that_show_something_of_it() -> None:
    pets = GuestScope.of(["guests"], [])

    shown = {name: [code for code in CATALOGUE.sets if scope.touches_set(CATALOGUE, code)] for name, scope in {
        "start": START, "one": ONE, "pets": pets, "closed": CLOSED,
    }.items()}  # fmt: skip

    assert shown == {"start": ["start"], "one": ["start", "houses"], "pets": ["houses", "guests"], "closed": []}
    assert ONE.touches_row(CATALOGUE, "kennels/a", "kennels")
    assert not ONE.touches_row(CATALOGUE, "kennels/b", "kennels")
    assert pets.touches_row(CATALOGUE, "kennels/b", "kennels")
