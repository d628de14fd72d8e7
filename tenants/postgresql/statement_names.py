"""Names of statements for traces: the verb and the table that a statement is about, without any value. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

#: In the order in which they count: a statement that reads and writes is about the table that it writes first.
_ABOUT: Final = tuple(
    (verb, re.compile(rf'\b{words}\s+(?:ONLY\s+)?"?(\w+)"?(?![\w(])', re.IGNORECASE))
    for verb, words in (("UPDATE", "UPDATE"), ("INSERT", "INSERT INTO"), ("DELETE", "DELETE FROM"), ("SELECT", "FROM"))
)
#: These contain the words without a table of their own: ``FOR UPDATE OF``, ``IS DISTINCT FROM``.
_NO_TABLE: Final = re.compile(
    r"\b(?:FOR (?:NO KEY )?UPDATE\b(?: OF \w+)?|DO UPDATE SET|DISTINCT FROM|EXTRACT\s*\(\s*\w+ FROM)", re.IGNORECASE
)
#: A function of the database that holds a statement of the program, with a digest in its name.
_FUNCTION: Final = re.compile(r"\bFROM (\w+)_[0-9a-f]{12}\(")
_COMMENT: Final = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_TEXT: Final = re.compile(r"'(?:[^']|'')*'")
_WORD: Final = re.compile(r"[A-Za-z]+")


def statement_name(sql: Any) -> str:
    """Return the name of the statement ``sql``.

    That is the verb with the table (``SELECT copies_copy``), the function of a statement that the database keeps
    (``batch_save``), or the first word where a statement names no table.
    """
    return _name(sql) if isinstance(sql, str) else "statement"


@lru_cache(maxsize=2048)
def _name(sql: str) -> str:
    if function := _FUNCTION.search(sql):
        return function[1]
    text = _TEXT.sub("''", _NO_TABLE.sub("", _COMMENT.sub("", sql)))
    first = _WORD.search(text)
    verb = first.group().upper() if first else "statement"
    if verb in ("WITH", "SELECT", "UPDATE", "INSERT", "DELETE"):
        for about, pattern in _ABOUT:
            if match := pattern.search(text):
                return f"{about} {match[1]}"
    return verb
