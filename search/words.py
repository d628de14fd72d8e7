"""The words of the search: texts cut into words, weights of a copy's words. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from types import MappingProxyType
from typing import Final, NamedTuple

from rules.folding import fold_letters, parts_at_apostrophes, without_apostrophes

#: Longer words are cut; an entry holds no more words of one copy than this.
LONGEST: Final = 40
MOST: Final = 1_000
#: The weight of a word in a name (of the insured, of the copy) and elsewhere.
NAME: Final = 3
ELSEWHERE: Final = 1
#: Scripts without blanks between words: Han, kana, Hangul.
_UNSPACED: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
_WORD: Final = re.compile(rf"[{_UNSPACED}]+|(?:(?![{_UNSPACED}])[^\W_])+")
_UNSPACED_WORD: Final = re.compile(rf"[{_UNSPACED}]{{2,}}")
#: Words that names of places and businesses abbreviate.
_SHORT_FORMS: Final = (("saint", "st"), ("sainte", "ste"), ("mount", "mt"), ("fort", "ft"))
_OTHER_FORM: Final[Mapping[str, str]] = MappingProxyType(
    {form: other for pair in _SHORT_FORMS for form, other in (pair, pair[::-1])}
)


class Weight(NamedTuple):
    """The weight of a word of a copy, and whether it matches only for readers of personal answers."""

    weight: int
    is_personal: bool


class Texts(NamedTuple):
    """The texts of a copy: its names and its other texts, public and personal. They alone decide its words."""

    names: str
    others: str
    personal_names: str = ""
    personal: str = ""


def words_of(text: str) -> list[str]:
    """Return the words of a search in order, each once: without case, accents and strokes, "Joe's" as "joes"."""
    return _once(_WORD.findall(without_apostrophes(fold_letters(text))))


def joined_words_of(text: str) -> list[str]:
    """Return the words of a search with single letters joined to what follows: "O Brien" as "obrien", "3-D" as "3d"."""
    return _once(_joined(_WORD.findall(without_apostrophes(fold_letters(text)))))


def indexed_words_of(text: str) -> list[str]:
    """Return the words under which ``text`` is found: its words, the parts around apostrophes, single letters joined to
    the next word, and the endings of words in scripts without blanks.
    """
    folded = fold_letters(text)
    words = _WORD.findall(without_apostrophes(folded))
    parts = _WORD.findall(parts_at_apostrophes(folded))
    found = [*words, *parts, *_joined(words), *_joined(parts)]
    found += [_OTHER_FORM[word] for word in found if word in _OTHER_FORM]
    for word in words:
        if _UNSPACED_WORD.fullmatch(word):
            found += [word[start:] for start in range(1, min(len(word), LONGEST))]
            found += word[:LONGEST]
    return _once(found)


def _joined(words: list[str]) -> Iterator[str]:
    """Yield ``words``, but a run of single letters as one word ("J R" as "jr"), and one letter joined to the next."""
    letter = ""
    for is_letter, run in groupby(words, key=lambda word: len(word) == 1):
        first, *others = run
        if is_letter and not others:
            letter = first
        elif is_letter:
            yield "".join((first, *others))
        else:
            yield letter + first
            yield from others
            letter = ""
    if letter:
        yield letter


def _once(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(word[:LONGEST] for word in words))


def weigh(*, names: str, others: str, personal_names: str = "", personal: str = "") -> dict[str, Weight]:
    """Return the words of a copy with their weights. A word that also occurs in a public place is not personal."""
    found: dict[str, Weight] = {}
    for text, weight in (
        (names, Weight(NAME, False)),
        (others, Weight(ELSEWHERE, False)),
        (personal_names, Weight(NAME, True)),
        (personal, Weight(ELSEWHERE, True)),
    ):
        for word in indexed_words_of(text):
            found.setdefault(word, weight)
            if len(found) >= MOST:
                return found
    return found
