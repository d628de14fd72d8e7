"""The kinds of values that a CEL text of the catalogue can name. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value: ``number``, ``text``, ``truth``, ``date``, ``list`` (of ``of``) or ``row`` (of ``pool``).

    ``any`` is the kind of a term whose fault is already reported.
    """

    name: str
    of: Kind | None = None
    pool: str = ""

    def __str__(self) -> str:
        if self.of is not None:
            return f"list of {self.of}"
        return f"row of {self.pool}" if self.pool else _WORDS.get(self.name, self.name)


_WORDS: Final = {"truth": "true or false"}
NUMBER: Final = Kind("number")
TEXT: Final = Kind("text")
TRUTH: Final = Kind("truth")
DATE: Final = Kind("date")
ANY: Final = Kind("any")
TEXTS: Final = Kind("list", TEXT)


def rows_of(pool: str) -> Kind:
    """Return the kind of a pool: a list of its rows."""
    return Kind("list", Kind("row", pool=pool))
