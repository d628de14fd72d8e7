"""The places of ZIP codes: states, county and city, from a file of the program. Pure.

The file is read at the first question about a ZIP code, and only the lines of its first three digits are split up.
``docs/reference-data.md`` names its sources.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

_FILE: Final = Path(__file__).parent / "data" / "zip_codes.txt"
_PREFIX: Final = 3


class Place(NamedTuple):
    """The place of a ZIP code; ``states`` begin with that of its mailing address. City and county can be ""."""

    city: str
    county: str
    states: tuple[str, ...]


def place_of(code: str) -> Place | None:
    """Return the place of a ZIP code of five digits, None if it is not in the list."""
    return _places_of(code[:_PREFIX]).get(code[_PREFIX:])


def is_listed(code: str) -> bool:
    """Return whether the ZIP code is in the list."""
    return place_of(code) is not None


def states_of_zip(code: str) -> frozenset[str]:
    """Return the states that a ZIP code is in; empty if it is not in the list."""
    place = place_of(code)
    return frozenset(place.states) if place else frozenset()


def states_near(code: str) -> frozenset[str]:
    """Return the states of the ZIP codes with the same first three digits."""
    return frozenset(state for place in _places_of(code[:_PREFIX]).values() for state in place.states)


@lru_cache(maxsize=64)
def _places_of(prefix: str) -> Mapping[str, Place]:
    """Return the places of the ZIP codes that begin with ``prefix``, by their last two digits."""
    places: dict[str, Place] = {}
    for line in _lines().get(prefix, ()):
        states, county, *cities = line.split(";")
        for entry in cities:
            city, endings = _split(entry)
            place = Place(city, county, tuple(states.split()))
            places.update(dict.fromkeys(endings, place))
    return MappingProxyType(places)


def _split(entry: str) -> tuple[str, list[str]]:
    """Return the city of ``Austin 01-05 08`` and the last digits of its ZIP codes."""
    words = entry.split(" ")
    name = [word for word in words if not word[:1].isdigit()]
    endings = []
    for run in words[len(name) :]:
        first, _, last = run.partition("-")
        endings += [f"{number:02}" for number in range(int(first), int(last or first) + 1)]
    return " ".join(name), endings


@cache
def _lines() -> Mapping[str, tuple[str, ...]]:
    """Return the lines of the file by their first three digits, without these."""
    lines: dict[str, tuple[str, ...]] = {}
    with _FILE.open(encoding="utf-8") as file:
        next(file)
        for line in file:
            prefix, rest = line.rstrip("\n").split(";", 1)
            lines[prefix] = (*lines.get(prefix, ()), rest)
    return MappingProxyType(lines)
