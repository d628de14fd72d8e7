"""The words of the search: texts cut into words, weights of a copy's words, similarity of spellings. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

#: Longer words are cut; an entry holds no more words of one copy than this.
LONGEST: Final = 40
MOST: Final = 1_000
#: The weight of a word in a name (of the insured, of the copy) and elsewhere.
NAME: Final = 3
ELSEWHERE: Final = 1
#: Words of at least three letters and no digits can be misspelled; numbers and codes are right or wrong.
_SPELT: Final = re.compile(r"[^\W\d_]{3,}")
_WORD: Final = re.compile(r"[^\W_]+")
#: The least similarity of a replacement; the default of PostgreSQL's pg_trgm.
ALIKE: Final = 0.3


class Weight(NamedTuple):
    """The weight of a word of a copy, and whether it matches only for readers of personal answers."""

    weight: int
    is_personal: bool


def words_of(text: str) -> list[str]:
    """Return the words of ``text`` in order, each once: without case and accents, "Joe's" as "joes"."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("'", "").replace("’", ""))
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return list(dict.fromkeys(word[:LONGEST] for word in _WORD.findall(plain)))


def weigh(*, names: str, others: str, personal_names: str = "", personal: str = "") -> dict[str, Weight]:
    """Return the words of a copy with their weights. A word that also occurs in a public place is not personal."""
    found: dict[str, Weight] = {}
    for text, weight in (
        (names, Weight(NAME, False)),
        (others, Weight(ELSEWHERE, False)),
        (personal_names, Weight(NAME, True)),
        (personal, Weight(ELSEWHERE, True)),
    ):
        for word in words_of(text):
            found.setdefault(word, weight)
            if len(found) >= MOST:
                return found
    return found


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
