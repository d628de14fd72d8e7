"""Searches the six-digit NAICS industries by words or code. Pure.

The search covers the official titles and everyday words for them (``data/industry_words.csv``, collected by hand from
no official index). Word endings do not matter: "plumber" matches plumbing.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from rules.folding import fold_letters
from rules.reference_data import industries

MOST: Final = 12
_WORDS: Final = Path(__file__).parent / "data" / "industry_words.csv"
#: Endings that separate a trade from its workers, and singular from plural; at least ``_STEM`` letters remain.
_ENDINGS: Final = ("eries", "ings", "ians", "ers", "ies", "ing", "ian", "ery", "ors", "al", "es", "er", "or", "s", "y")
_STEM: Final = 4
_NOBODY: Final[Mapping[str, int]] = MappingProxyType({})


class Industry(NamedTuple):
    """An industry that matches a search."""

    code: str
    title: str


@dataclass(frozen=True, slots=True)
class _Known:
    """An industry with its words, and with the same words without their endings."""

    code: str
    title: str
    words: tuple[str, ...]
    stems: frozenset[str]


def find_industries(query: str, *, common: Mapping[str, int] = _NOBODY, most: int | None = MOST) -> list[Industry]:
    """Return the best ``most`` industries (None: all) whose code starts with ``query``, or that match each of its
    words.

    ``common`` counts earlier uses of industries; of equal matches, the more common ones come first.
    """
    words = _plain(query).split()
    if not words:
        return []
    if len(words) == 1 and words[0].isdigit():
        matching = [known for known in _all() if known.code.startswith(words[0])]
        ranked = sorted(matching, key=lambda known: -common.get(known.code, 0))
    else:
        fitting = ((known, _fit(known, words)) for known in _all())
        ranked = [
            known
            for known, fit in sorted(
                ((known, fit) for known, fit in fitting if fit),
                key=lambda match: (-match[1], -common.get(match[0].code, 0), _begins_elsewhere(match[0], words)),
            )
        ]
    return [Industry(known.code, known.title) for known in ranked[:most]]


def _fit(known: _Known, words: Iterable[str]) -> int:
    """Return how well all of ``words`` match: 4 exactly, 3 except for endings, 2 as beginnings, 1 inside words, 0 not
    all.
    """
    return min(_fit_of(known, word) for word in words)


def _fit_of(known: _Known, word: str) -> int:
    if word in known.words:
        return 4
    if _stem(word) in known.stems:
        return 3
    if any(other.startswith(word) for other in known.words):
        return 2
    return int(any(word in other for other in known.words))


def _begins_elsewhere(known: _Known, words: list[str]) -> bool:
    return not _plain(known.title).startswith(words[0])


@cache
def _all() -> tuple[_Known, ...]:
    """Return every six-digit industry in the order of the codes."""
    everyday = _everyday()
    known = []
    for code, title in industries().items():
        if len(code) == 6:
            words = (*_plain(title).split(), *everyday.get(code, ()))
            known.append(_Known(code, title, words, frozenset(_stem(word) for word in words)))
    return tuple(known)


@cache
def _everyday() -> Mapping[str, tuple[str, ...]]:
    """Return the everyday words by code."""
    words: dict[str, tuple[str, ...]] = {}
    with _WORDS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for code in row["codes"].split():
                words[code] = (*words.get(code, ()), *_plain(row["words"]).split())
    return MappingProxyType(words)


def _stem(word: str) -> str:
    """Return ``word`` without its ending."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _STEM:
            return word.removesuffix(ending)
    return word


def _plain(text: str) -> str:
    return re.sub(r"[^\w']+", " ", fold_letters(text).replace("’", "'")).strip()
