"""Finds and replaces the values of a person in texts and JSON, in the spellings in which they may occur. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, Final

import msgspec

#: Stands where a value of the person was.
ERASED: Final = "(erased)"
#: Members of JSON that hold the values of the answer at the ``path`` beside them.
_VALUES: Final = ("before", "after", "asked", "offered", "value", "rated", "shown")
#: Shorter texts occur in other words' company too often to be a person's.
_LEAST: Final = 3
_SEPARATORS: Final = r"[\s().+/-]{0,2}"
_DIGITS: Final = re.compile(r"[\d\s().+/-]+")
_LEAST_DIGITS: Final = 6


class Needles:
    """The values of a person, and the paths of their answers."""

    def __init__(self, values: Iterable[str], *, is_theirs: Callable[[str], bool] = lambda path: False) -> None:
        """Take the values as they are stored; ``is_theirs`` returns whether an answer's path is the person's."""
        patterns = {pattern for value in values for pattern in _patterns(value.strip())}
        # The longest first: a name before its parts.
        self._pattern = re.compile("|".join(sorted(patterns, key=len, reverse=True)) or r"(?!)")
        self._is_theirs = is_theirs

    def occur_in(self, value: Any) -> bool:
        """Return whether a text or JSON value contains something of the person."""
        return bool(self.in_json(value) != value)

    def in_text(self, text: str) -> str:
        """Return ``text`` without the person's values; a text of JSON stays one."""
        if text[:1] in ("{", "["):
            try:
                content = msgspec.json.decode(text)
            except msgspec.DecodeError:
                return self._pattern.sub(ERASED, text)
            replaced = self.in_json(content)
            return text if replaced == content else msgspec.json.encode(replaced).decode()
        return self._pattern.sub(ERASED, text)

    def in_json(self, value: Any) -> Any:
        """Return a value of JSON without the person's values; names of members stay, but those that are paths of
        answers keep no value.
        """
        if isinstance(value, str):
            return self._pattern.sub(ERASED, value)
        if isinstance(value, list):
            return [self.in_json(item) for item in value]
        if isinstance(value, dict):
            path = value.get("path")
            is_theirs = isinstance(path, str) and self._is_theirs(path)
            return {
                name: ERASED if is_theirs and name in _VALUES and item not in (None, "", []) else self.in_json(item)
                for name, item in value.items()
            }
        return value

    def in_inputs(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Return values by the paths of their answers without those of the person."""
        return {
            path: ERASED if self._is_theirs(path) and value not in (None, "", []) else self.in_json(value)
            for path, value in inputs.items()
        }


def _patterns(value: str) -> Iterable[str]:
    """Yield the patterns of the spellings of ``value``."""
    if len(value) < _LEAST or value == ERASED:
        return
    digits = re.sub(r"\D", "", value)
    if _DIGITS.fullmatch(value) and len(digits) >= _LEAST_DIGITS:
        national = digits[1:] if len(digits) == 11 and digits.startswith("1") else digits
        area, rest = national[:3], _SEPARATORS.join(national[3:])
        together = _SEPARATORS.join(area)
        yield rf"(?<!\d)(?:\+?1{_SEPARATORS})?(?:\({area}\)|{together}){_SEPARATORS}{rest}(?!\d)"
        yield from _days(value)
        return
    words = value.split()
    if len(words) == 1 and value.isalpha():
        # Not in lower case: “will” is a word and Will a name.
        spellings = "|".join(map(re.escape, dict.fromkeys((value, value.title(), value.upper()))))
        yield rf"(?<!\w)(?:{spellings})(?!\w)"
        return
    joined = r"\s+".join(map(re.escape, words))
    yield rf"(?i:(?<!\w){joined}(?!\w))"


def _days(value: str) -> Iterable[str]:
    """Yield the patterns of a day, as people write it."""
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return
    yield rf"(?<!\d)0?{day.month}/0?{day.day}/{day.year}(?!\d)"
    yield rf"(?i:{day:%B} {day.day}, {day.year}|{day:%b} {day.day}, {day.year})"
