"""The names of figures that other modules look for: makes them, and finds places on curves by them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from benchmarks.figures import Figure

_GROWTH: Final = re.compile(r"save ([\d,]+) of ([\d,]+) answers, (\d+) ms added: (.+)")
_STORAGE: Final = re.compile(r"document of ([\d,]+) answers as (.+): ([^:]+)")
#: Agents of the load test, and the seconds between two saves of one: under full load, and of the capacity model.
AGENTS: Final = 200
PACES: Final = (2.0, 10.0)


class Save(NamedTuple):
    """A save of ``changes`` in a form of ``answers`` by ``contender``, ``delay_ms`` away from the database."""

    answers: int
    changes: int
    delay_ms: int
    contender: str

    @property
    def name(self) -> str:
        """Return the name of its figure."""
        return f"save {self.changes:,} of {self.answers:,} answers, {self.delay_ms} ms added: {self.contender}"


class Kept(NamedTuple):
    """A document of ``answers`` stored in ``format``; ``what`` of it is load, save, stored or WAL of a save."""

    answers: int
    format: str
    what: str

    @property
    def name(self) -> str:
        """Return the name of its figure."""
        return f"document of {self.answers:,} answers as {self.format}: {self.what}"


def load_test(agents: int, every: float, way: str) -> str:
    """Return how the names of the figures of one run of the load test begin."""
    return f"{agents} agents, a save each {every:g} s by {way}"


def saves(figures: Iterable[Figure]) -> dict[Save, Figure]:
    """Return the figures of the growth curves by their places."""
    found = {}
    for entry in figures:
        match = _GROWTH.fullmatch(entry["name"])
        if match:
            changes, answers, delay, contender = match.groups()
            found[Save(_number(answers), _number(changes), int(delay), contender)] = entry
    return found


def kept(figures: Iterable[Figure]) -> dict[Kept, Figure]:
    """Return the figures of the storage formats by their places."""
    found = {}
    for entry in figures:
        match = _STORAGE.fullmatch(entry["name"])
        if match:
            answers, format_name, what = match.groups()
            found[Kept(_number(answers), format_name, what)] = entry
    return found


def _number(text: str) -> int:
    return int(text.replace(",", ""))
