"""Recognizes what people write instead of CEL, in texts that CEL refuses: ``=``, ``and``, ``50,000``. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Final

from rules.language.faults import TextFault

_MOST: Final = 5
#: A text in quotes, which is skipped; an open quote ends with the text.
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\Z)|\'(?:[^\'\\]|\\.)*(?:\'|\Z)', re.DOTALL)
_CLOSED: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'', re.DOTALL)
#: Two pairs of quotes around one word, as spreadsheets write them.
_DOUBLED: Final = re.compile(r'""(?!(?:and|or|not|is|in|equals)"")(\w+)""', re.IGNORECASE)
_CURLY: Final = "\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u00ab\u00bb\u2032\u2033`"
WORDS: Final = {"and": "&&", "or": "||", "not": "!", "is": "==", "equals": "=="}
_SIGNS: Final = {
    "=>": ">=",
    "=<": "<=",
    "<>": "!=",
    "===": "==",
    "=": "==",
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
    "&": "&&",
    "|": "||",
    "−": "-",
    "–": "-",
    "—": "-",
    "×": "*",
    "·": "*",
    "÷": "/",
}


def _word(found: str) -> tuple[str, str]:
    return f"{found!r} is no operator.", f"Write {WORDS[found.lower()]}."


def _sign(found: str) -> tuple[str, str]:
    return f"{found!r} is no operator.", f"Write {_SIGNS[found]}."


def _curly_quote(found: str) -> tuple[str, str]:
    inside = found[1:].rstrip("\u201c\u201d\u2018\u2019\u00bb\"'")
    return f"{found[0]} is a typographic quote.", f'Write straight quotes: "{inside}".'


def _thousands(found: str) -> tuple[str, str]:
    plain = re.sub(r"[^0-9.]", "", found)
    return f"{found!r} is no number here.", f"Write {plain}, without a thousands separator."


def _percent(found: str) -> tuple[str, str]:
    number = found.rstrip("% ")
    return f"{found!r} is no number here.", f"Write {number}, without the percent sign."


def _currency(found: str) -> tuple[str, str]:
    number = re.sub(r"[^0-9.]", "", found)
    return f"{found!r} is no number here.", f"Write {number}, without the currency sign."


def _shorthand(found: str) -> tuple[str, str]:
    factor = {"k": 1_000, "m": 1_000_000}[found[-1].lower()]
    whole = f"{float(found[:-1].strip()) * factor:.6f}".rstrip("0").rstrip(".")
    return f"{found!r} is no number here.", f"Write {whole}."


def _wide(found: str) -> tuple[str, str]:
    narrow = unicodedata.normalize("NFKC", found)
    return f"{found!r} is written with wide characters.", f"Write {_SIGNS.get(narrow, narrow)}."


def _not_in(found: str) -> tuple[str, str]:
    return "'not in' is no operator.", "Write !(a in [b, c])."


def _is_not(found: str) -> tuple[str, str]:
    return "'is not' is no operator.", "Write !=."


def _in_parentheses(found: str) -> tuple[str, str]:
    items = found[found.index("(") + 1 : -1].strip()
    return "A list has square brackets.", f"Write in [{items}]."


def _blank(found: str) -> tuple[str, str]:
    return "There is a no-break or other special space here.", "Replace it by an ordinary space."


def _invisible(found: str) -> tuple[str, str]:
    return "There is an invisible character here.", "Remove it."


#: What is recognized, in this order at each place.
_MISTAKES: Final[tuple[tuple[re.Pattern[str], Callable[[str], tuple[str, str]]], ...]] = (
    (re.compile(f"[{_CURLY}][^{_CURLY}\"'\\n]*[{_CURLY}\"']?"), _curly_quote),
    (re.compile(r"[\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"), _blank),
    (re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"), _invisible),
    (re.compile(r"[\uff01-\uff5e]+"), _wide),
    (re.compile(r"[$€£]\s?\d[\d,.]*"), _currency),
    (re.compile(r"(?<![\w.])\d{1,3}(?:[,\u00a0\u202f _]\d{3})+(?![\w])(?:\.\d+)?"), _thousands),
    (re.compile(r"(?<![\w.])\d+(?:\.\d+)?\s?%"), _percent),
    (re.compile(r"(?<![\w.])\d+(?:\.\d+)?[kKmM](?!\w)"), _shorthand),
    (re.compile(r"===|=>|=<|<>|(?<![=!<>])=(?![=])|(?<!&)&(?!&)|(?<!\|)\|(?!\|)|[≥≤≠−–—×·÷]"), _sign),
    (re.compile(r"(?<![\w.])not\s+in(?!\w)", re.IGNORECASE), _not_in),
    (re.compile(r"(?<![\w.])is\s+not(?!\w)", re.IGNORECASE), _is_not),
    (re.compile(r"(?<![\w.])in\s*\([^()\[\]]*,[^()\[\]]*\)", re.IGNORECASE), _in_parentheses),
    (re.compile(r"(?<![\w.])(?:and|or|not|is|equals)(?!\w)", re.IGNORECASE), _word),
)


def common_mistakes(source: str) -> list[TextFault]:
    """Return the recognized mistakes of a text that CEL refuses, each with its place and what to write instead."""
    found = []
    for offset, fault in _found(source):
        found.append(TextFault("syntax_error", *fault, offset))
        if len(found) == _MOST:
            break
    return found


def _found(source: str) -> Iterator[tuple[int, tuple[str, str]]]:
    place = 0
    while place < len(source):
        doubled = _DOUBLED.match(source, place)
        if doubled:
            yield place, ("There are two pairs of quotes here.", f'Write "{doubled[1]}".')
            place = doubled.end()
            continue
        quoted = _QUOTED.match(source, place)
        if quoted:
            if not _CLOSED.fullmatch(quoted.group()):
                yield place, ("This quote is not closed.", f"Write {quoted.group()[0]} behind the text.")
            place = quoted.end()
            continue
        for pattern, describe in _MISTAKES:
            match = pattern.match(source, place)
            if match:
                yield place, describe(match.group())
                place = match.end()
                break
        else:
            place += 1
