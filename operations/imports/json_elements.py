"""The objects of a JSON list or of lines, one after another: nothing behind the row limit is read, and an object that
is too large is not parsed. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from operations.imports.errors import FileTooLarge, UnreadableFile
from operations.imports.limits import MOST_BLANK_ROWS, MOST_ROWS

_SPACE: Final = re.compile(rb"[ \t\r\n]*")
#: A number, or true, false, null; the parser judges it.
_PLAIN: Final = re.compile(rb'[^\s,\[\]{}"]+')
#: A text, or a bracket. A quotation mark that does not end is found as itself. Without backtracking: the pattern reads
#: each byte once.
_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{}"]', re.DOTALL)
#: Far more than the parser takes.
_MOST_DEPTH: Final = 500
_OPENING: Final = frozenset((b"[", b"{"))
_CLOSING: Final = frozenset((b"]", b"}"))


def list_elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and text of each element of the list ``content``; whether an element is valid is left to a parser.

    Raises ``FileTooLarge`` at the first element beyond the limit, ``UnreadableFile``.
    """
    place = _skip(content, _skip(content, 0) + 1)
    if content[place : place + 1] != b"]":
        for number in range(1, MOST_ROWS + 2):
            if number > MOST_ROWS:
                raise FileTooLarge("rows", MOST_ROWS)
            end = _end_of(content, place)
            yield number, content[place:end]
            place = _skip(content, end)
            mark = content[place : place + 1]
            if mark == b"]":
                break
            if mark != b",":
                raise _broken(place)
            place = _skip(content, place + 1)
    rest = _skip(content, place + 1)
    if rest != len(content):
        raise _broken(rest)


def lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and text of each line that is not blank. Raises ``FileTooLarge`` at the first one beyond a limit."""
    rows = blank = place = number = 0
    while place < len(content):
        number += 1
        end = content.find(b"\n", place)
        end = len(content) if end < 0 else end
        line = content[place:end]
        place = end + 1
        if not line.strip():
            blank += 1
            if blank > MOST_BLANK_ROWS:
                raise FileTooLarge("blank rows", MOST_BLANK_ROWS)
            continue
        rows += 1
        if rows > MOST_ROWS:
            raise FileTooLarge("rows", MOST_ROWS)
        yield number, line


def _skip(content: bytes, place: int) -> int:
    """Return the place of the first byte from ``place`` on that is no space."""
    found = _SPACE.match(content, place)
    return found.end() if found else place


def _end_of(content: bytes, place: int) -> int:
    """Return the place behind the element that begins at ``place``."""
    plain = _PLAIN.match(content, place)
    if plain:
        return plain.end()
    depth = 0
    for token in _TOKEN.finditer(content, place):
        sign = token[0][:1]
        if (depth == 0 and token.start() != place) or token[0] == b'"':
            break
        if sign in _OPENING:
            depth += 1
            if depth > _MOST_DEPTH:
                raise UnreadableFile("it is nested too deeply.")
        elif sign in _CLOSING:
            depth -= 1
        if depth <= 0:
            return token.end() if depth == 0 else token.start()
    raise _broken(place)


def _broken(place: int) -> UnreadableFile:
    return UnreadableFile(f"it is not valid JSON (at byte {place + 1:,}).")
