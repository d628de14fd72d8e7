"""The known value that was probably meant by an unknown one. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Final

#: Longer values are no misspelled codes.
_LONGEST: Final = 80
#: How many known values are compared in full, and how similar the nearest one must be, 0 to 1.
_COMPARED: Final = 8
_ALIKE: Final = 0.6


def nearest(value: object, known: Iterable[str], *, labels: Mapping[str, str] | None = None) -> str:
    """Return the one of ``known`` that is most similar to ``value``, "" without a similar one.

    Case and punctuation do not matter. ``labels`` are other names, by the known value.
    """
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST:
        return ""
    names, trigrams = _index(tuple(known), tuple((labels or {}).items()))
    meant = _plain(value)
    if meant in names:
        return names[meant]
    shared = Counter(name for trigram in _trigrams(meant) for name in trigrams.get(trigram, ()))
    matcher = SequenceMatcher(b=meant, autojunk=False)
    best, similarity = "", _ALIKE
    for name, _ in shared.most_common(_COMPARED):
        matcher.set_seq1(name)
        ratio = matcher.ratio()
        if ratio > similarity:
            best, similarity = names[name], ratio
    return best


@lru_cache(maxsize=64)
def _index(
    known: tuple[str, ...], labels: tuple[tuple[str, str], ...]
) -> tuple[Mapping[str, str], Mapping[str, list[str]]]:
    """Return the known values by their plain names, and the plain names by trigram."""
    names: dict[str, str] = {}
    for value, name in [*((value, value) for value in known), *labels]:
        names.setdefault(_plain(name), value)
    names.pop("", None)
    trigrams: dict[str, list[str]] = {}
    for name in names:
        for trigram in _trigrams(name):
            trigrams.setdefault(trigram, []).append(name)
    return names, trigrams


def _trigrams(name: str) -> set[str]:
    padded = f" {name} "
    return {padded[place : place + 3] for place in range(len(padded) - 2)}


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())
