"""The similarity of spellings, by trigrams as PostgreSQL's pg_trgm computes it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

#: Words of at least three letters and no digits can be misspelled; numbers and codes are right or wrong.
_SPELT: Final = re.compile(r"[^\W\d_]{3,}")
#: The least similarity of a replacement; the default of PostgreSQL's pg_trgm.
ALIKE: Final = 0.3


def trigrams_of(word: str) -> frozenset[str]:
    """Return the trigrams of ``word`` as pg_trgm cuts them: two blanks before it, one behind; none of a number."""
    if not _SPELT.fullmatch(word):
        return frozenset()
    padded = f"  {word} "
    return frozenset(padded[place : place + 3] for place in range(len(padded) - 2))


def likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the similarity of two words by their trigrams, 0 to 1: shared ones over all (pg_trgm's ``similarity``)."""
    return len(one & other) / (len(one | other) or 1)


def alike(word: str, known: Iterable[str], *, most: int) -> Mapping[str, float]:
    """Return the ``known`` words most similar to ``word``, at most ``most``, with their similarity."""
    trigrams = trigrams_of(word)
    similarity = {other: likeness(trigrams, trigrams_of(other)) for other in known}
    best = sorted(
        (other for other in similarity if similarity[other] >= ALIKE), key=lambda other: (-similarity[other], other)
    )
    return {other: similarity[other] for other in best[:most]}


def edits(one: str, other: str, *, most: int) -> int:
    """Return how many letters are left out, added, replaced or swapped with the next one between two words;
    ``most`` + 1 for more than ``most``.
    """
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one, 1):
        before, last, row = row, before, [place]
        for column, wanted in enumerate(other, 1):
            cost = min(before[column] + 1, row[-1] + 1, before[column - 1] + (letter != wanted))
            if place > 1 and column > 1 and letter == other[column - 2] and one[place - 2] == wanted:
                cost = min(cost, last[column - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)


def nearly(word: str, known: Iterable[str], *, most: int) -> list[str]:
    """Return those ``known`` words that take the fewest edits from ``word``, at most ``most``; all with that number."""
    found: list[str] = []
    for other in known:
        number = edits(word, other, most=most)
        if number < most:
            found, most = [], number
        if number <= most:
            found.append(other)
    return found
