"""Words as the search knows them: how texts are cut into words, what the words of a copy weigh, and how alike two words
are spelt. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

#: Longer words are cut; of one copy no more words than this are kept.
LONGEST: Final = 40
MOST: Final = 1_000
#: What a word weighs in a name (of the insured, of the copy) and elsewhere.
NAME: Final = 3
ELSEWHERE: Final = 1
#: Words of at least three letters and no digits can be misspelt; numbers and codes are right or wrong.
_SPELT: Final = re.compile(r"[^\W\d_]{3,}")
_WORD: Final = re.compile(r"[^\W_]+")
#: From this similarity on a word is taken for another one; it is the default of PostgreSQL's pg_trgm.
ALIKE: Final = 0.3


class Weight(NamedTuple):
    """What a word of a copy counts, and whether only who may read personal answers finds by it."""

    weight: int
    is_personal: bool


def words_of(text: str) -> list[str]:
    """Return the words of ``text`` in order, each once: without case and accents, "Joe's" as "joes"."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("'", "").replace("’", ""))
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return list(dict.fromkeys(word[:LONGEST] for word in _WORD.findall(plain)))


def weigh(*, names: str, others: str, personal_names: str = "", personal: str = "") -> dict[str, Weight]:
    """Return the words of a copy with their weights. A word that stands openly somewhere is not personal."""
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
    """Return how alike two words are by their trigrams, 0 to 1: those shared, of all (pg_trgm's ``similarity``)."""
    return len(one & other) / (len(one | other) or 1)


def alike(word: str, known: Iterable[str], *, most: int) -> Mapping[str, float]:
    """Return the ``known`` words that ``word`` may be a misspelling of, at most ``most``, with how alike they are."""
    trigrams = trigrams_of(word)
    told = {other: likeness(trigrams, trigrams_of(other)) for other in known}
    best = sorted((other for other in told if told[other] >= ALIKE), key=lambda other: (-told[other], other))
    return {other: told[other] for other in best[:most]}
