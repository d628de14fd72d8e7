"""The words of the search: texts cut into words, weights of a copy's words. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final, NamedTuple

#: Longer words are cut; an entry holds no more words of one copy than this.
LONGEST: Final = 40
MOST: Final = 1_000
#: The weight of a word in a name (of the insured, of the copy) and elsewhere.
NAME: Final = 3
ELSEWHERE: Final = 1
_WORD: Final = re.compile(r"[^\W_]+")


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
