"""The phrases by which industries are found: official titles, the index of NAICS 2022, and everyday words. Pure.

Read and indexed at the first search (``docs/reference-data.md`` names the sources).
"""

from __future__ import annotations

import csv
import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from rules.folding import fold
from rules.reference_data import industries
from rules.spelling import alike, nearly

_FOLDER: Final = Path(__file__).parent / "data"
EVERYDAY_WORDS: Final = _FOLDER / "industry_words.csv"
_INDEX: Final = _FOLDER / "naics_index_2022.txt"
#: Endings that separate a trade from its workers, and singular from plural; at least ``_STEM`` letters remain.
_ENDINGS: Final = ("eries", "ings", "ians", "ers", "ies", "ing", "ian", "ery", "ors", "al", "es", "er", "or", "s", "y")
_STEM: Final = 4
#: Words that tell nothing about an industry.
STOP_WORDS: Final = frozenset(
    "a an and at by for from i in my of on or our people some stuff the things to up we with".split()
)
#: The shortest word that can be misspelled.
_SPELT: Final = 4
#: A word of so many letters can have two of them wrong, a shorter one only one.
_LONG: Final = 7
#: The fits of a word: exactly (also singular and plural), except for its ending or for a letter or two of a word that
#: people use, as a beginning, inside, spelled only alike.
EXACT: Final = 5
STEM: Final = 4
BEGINNING: Final = 3
INSIDE: Final = 2
MISSPELLED: Final = 1


class Phrase(NamedTuple):
    """A phrase of the industry at ``place`` in the order of codes; ``size`` is the number of its words.

    ``rank`` is 2 for everyday words, 1 for the title, 0 for the index.
    """

    place: int
    size: int
    rank: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """All phrases, and where each word of them occurs (numbers of phrases). ``words`` are in alphabetical order,
    ``used`` those of titles and everyday words.
    """

    codes: tuple[str, ...]
    phrases: tuple[Phrase, ...]
    words: tuple[str, ...]
    occurrences: Mapping[str, array[int]]
    singulars: Mapping[str, tuple[str, ...]]
    stems: Mapping[str, tuple[str, ...]]
    used: frozenset[str]

    def fits(self, word: str) -> dict[str, int]:
        """Return the words of phrases that ``word`` matches, with the best fit of each."""
        found = dict.fromkeys(self._containing(word), INSIDE)
        found |= dict.fromkeys(self._beginning(word), BEGINNING)
        found |= dict.fromkeys(self.stems.get(stem_of(word), ()), STEM)
        found |= dict.fromkeys(self.singulars.get(_singular(word), ()), EXACT)
        if meant := self.meant(word):
            return dict.fromkeys(meant, STEM)
        if not found and len(word) >= _SPELT:
            # Hardly anybody gets the first letter wrong.
            found = dict.fromkeys(alike(word, self._beginning(word[0]), most=8), MISSPELLED)
        return found

    def meant(self, word: str) -> list[str]:
        """Return the words that ``word`` was probably meant to be; none if it matches as it is.

        They are words that people use for trades, with a letter or two wrong. The first letter is right.
        """
        if len(word) < _SPELT or not word.isalpha() or self.singulars.get(_singular(word)):
            return []
        if not self.used.isdisjoint((*self._beginning(word), *self.stems.get(stem_of(word), ()))):
            return []
        known = (other for other in self._beginning(word[0]) if other in self.used and len(other) >= _SPELT)
        return nearly(word, known, most=2 if len(word) >= _LONG else 1)

    def codes_with(self, word: str) -> frozenset[str]:
        """Return the codes of the industries with a phrase that has the known ``word``."""
        return frozenset(self.codes[self.phrases[number].place] for number in self.occurrences[word])

    def _beginning(self, word: str) -> Iterator[str]:
        place = bisect_left(self.words, word)
        while place < len(self.words) and self.words[place].startswith(word):
            yield self.words[place]
            place += 1

    def _containing(self, word: str) -> Iterator[str]:
        return (known for known in self.words if word in known) if len(word) >= _SPELT else iter(())


def plain(text: str) -> str:
    """Return the words of ``text`` in small letters, separated by single spaces."""
    return re.sub(r"\W+", " ", fold(text)).strip()


def stem_of(word: str) -> str:
    """Return ``word`` without its ending."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _STEM:
            return word.removesuffix(ending)
    return word


@cache
def all_phrases() -> Phrases:
    """Return the phrases of every six-digit industry."""
    codes = tuple(code for code in industries() if len(code) == 6)
    places = {code: place for place, code in enumerate(codes)}
    phrases: list[Phrase] = []
    occurrences: dict[str, array[int]] = {}
    used: set[str] = set()
    for code, text, rank in _texts(codes):
        words = {word for word in plain(text).split() if word not in STOP_WORDS}
        if rank:
            used |= words
        for word in words:
            occurrences.setdefault(word, array("I")).append(len(phrases))
        phrases.append(Phrase(places[code], len(words), rank))
    return Phrases(
        codes=codes,
        phrases=tuple(phrases),
        words=tuple(sorted(occurrences)),
        occurrences=occurrences,
        singulars=_grouped(occurrences, _singular),
        stems=_grouped(occurrences, stem_of),
        used=frozenset(used),
    )


def _texts(codes: tuple[str, ...]) -> Iterator[tuple[str, str, int]]:
    """Yield code, text and rank of every phrase."""
    known = frozenset(codes)
    for code in codes:
        yield code, industries()[code], 1
    with EVERYDAY_WORDS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for code in row["codes"].split():
                yield from ((code, text, 2) for text in row["words"].split(","))
    with _INDEX.open(encoding="utf-8") as file:
        for line in file:
            code, _, terms = line.rstrip("\n").partition(" ")
            if code in known:
                yield from ((code, text, 0) for text in terms.split("|"))


def _singular(word: str) -> str:
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        return f"{word[:-3]}y" if word.endswith("ies") else word[:-1]
    return word


def _grouped(words: Mapping[str, array[int]], form: Callable[[str], str]) -> dict[str, tuple[str, ...]]:
    """Return ``words`` by their ``form``."""
    groups: dict[str, tuple[str, ...]] = {}
    for word in words:
        groups[form(word)] = (*groups.get(form(word), ()), word)
    return groups
