"""Searches the six-digit NAICS industries by words or code. Pure.

A search matches the official titles, the index of NAICS 2022 and everyday words; word endings do not matter, and
misspelled words are replaced by similar ones. If no industry has all words, those with any of them match. A code of
NAICS 2017 matches its successors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from rules.industry_phrases import INSIDE, STOP_WORDS, Phrases, all_phrases, plain
from rules.reference_data import industries, old_industries

MOST: Final = 12
#: Words of a search beyond these are ignored.
_MOST_WORDS: Final = 12
_NOBODY: Final[Mapping[str, int]] = MappingProxyType({})
#: Words that say only that there is a business.
_GENERIC: Final = frozenset(
    "agency business center co company contractor contractors corp corporation enterprise enterprises firm group inc"
    " llc ltd office offices professional provider service services shop shops small store stores".split()
)
#: Everyday verbs for the words of the index.
_SAME: Final[Mapping[str, str]] = MappingProxyType(
    dict.fromkeys(("fix", "fixes", "fixing", "mend", "mending"), "repair")
    | dict.fromkeys(("selling", "sells"), "sell")
    | dict.fromkeys(("kids", "kid"), "child")
)
#: Sectors whose small businesses are rarely meant by an everyday word: farming, mining, making, wholesale.
_RARELY_MEANT: Final = ("11", "21", "31", "32", "33", "42")


class Industry(NamedTuple):
    """An industry that matches a search; ``formerly`` is its code in NAICS 2017 if the search named that code."""

    code: str
    title: str
    formerly: str = ""


class _Match(NamedTuple):
    """The match of an industry: how many words it has, the least fit of them, and how close its phrase is to the
    search.
    """

    words: int
    fit: int
    closeness: float


def find_industries(query: str, *, common: Mapping[str, int] = _NOBODY, most: int | None = MOST) -> list[Industry]:
    """Return the best ``most`` industries (None: all) whose code, now or in NAICS 2017, starts with ``query``, or that
    match its words.

    ``common`` counts earlier uses of industries; of equal matches, the more common ones come first.
    """
    words = _words(query)
    if not words:
        return []
    if len(words) == 1 and words[0].isdigit():
        found = sorted(_with_code(words[0]), key=lambda industry: -common.get(industry.code, 0))
        return found[:most]
    telling = _telling(words)
    matches = _matches(all_phrases(), telling[:_MOST_WORDS])
    ranked = sorted(matches, key=lambda code: _rank(code, matches[code], common, telling))
    return [Industry(code, industries()[code]) for code in ranked[:most]]


def corrected(query: str, found: Sequence[Industry]) -> str:
    """Return ``query`` with its misspelled words as they were probably meant, "" without such words.

    Of several words the one counts by which the first of the ``found`` industries is found.
    """
    known, words = all_phrases(), _words(query)
    meant = {word: _meant(known, word, found) for word in _telling(words)[:_MOST_WORDS]}
    return " ".join(meant.get(word) or word for word in words) if any(meant.values()) else ""


def _meant(known: Phrases, word: str, found: Sequence[Industry]) -> str:
    meant = known.meant(word)
    first = (other for other in meant if found and found[0].code in known.codes_with(other))
    return next(first, meant[0] if meant else "")


def _words(query: str) -> list[str]:
    return [_SAME.get(word, word) for word in plain(query).split()]


def _telling(words: list[str]) -> list[str]:
    """Return the words that tell something about an industry, or all of them."""
    return [word for word in dict.fromkeys(words) if word not in STOP_WORDS] or words


def _with_code(digits: str) -> Iterator[Industry]:
    """Yield the industries whose code starts with ``digits``, then the successors of such codes of NAICS 2017."""
    seen = set()
    for code, title in industries().items():
        if len(code) == 6 and code.startswith(digits):
            seen.add(code)
            yield Industry(code, title)
    for old, industry in old_industries().items():
        if old.startswith(digits):
            for code in industry.successors:
                if code not in seen:
                    seen.add(code)
                    yield Industry(code, industries()[code], formerly=old)


def _matches(known: Phrases, words: list[str]) -> dict[str, _Match]:
    """Return the best match of each industry that has all ``words``, or else all that say more than that there is a
    business; of any industry that has one of these if none has all of them.
    """
    complete, best = _complete(known, words)
    specific = [word for word in words if word not in _GENERIC]
    if not complete and 0 < len(specific) < len(words):
        complete, best = _complete(known, specific)
    return complete or best


def _complete(known: Phrases, words: list[str]) -> tuple[dict[str, _Match], dict[str, _Match]]:
    """Return the best match of each industry that has all ``words``, and of each that has any."""
    best: dict[str, _Match] = {}
    together: dict[str, list[int]] = {}
    for number, of_words in _fits_by_phrase(known, words).items():
        phrase = known.phrases[number]
        code = known.codes[phrase.place]
        together[code] = [max(pair) for pair in zip(of_words, together.get(code, of_words), strict=True)]
        matched = [fit for fit in of_words if fit]
        match = _Match(len(matched), min(matched), phrase.rank + len(matched) / phrase.size)
        best[code] = max(best.get(code, match), match)
    complete = {code: match for code, match in best.items() if match.words == len(words)}
    if not complete:
        # All words, each in some phrase of the industry; a word inside another one is too little for that.
        complete = {
            code: best[code]._replace(fit=min(of_words))
            for code, of_words in together.items()
            if min(of_words) > INSIDE
        }
    return complete, best


def _fits_by_phrase(known: Phrases, words: list[str]) -> dict[int, list[int]]:
    """Return the fits of all ``words`` (0: none) by the number of each phrase that has at least one of them."""
    fits: dict[int, list[int]] = {}
    for position, word in enumerate(words):
        for other, fit in known.fits(word).items():
            for number in known.occurrences[other]:
                of_words = fits.setdefault(number, [0] * len(words))
                of_words[position] = max(of_words[position], fit)
    return fits


def _rank(
    code: str, match: _Match, common: Mapping[str, int], words: list[str]
) -> tuple[int, int, int, float, bool, str]:
    """Return the sort key of a match: the better first, of equal ones the more common."""
    closeness = match.closeness - (0.5 if code.startswith(_RARELY_MEANT) else 0)
    begins_elsewhere = not plain(industries()[code]).startswith(words[0])
    return -match.words, -match.fit, -common.get(code, 0), -closeness, begins_elsewhere, code
