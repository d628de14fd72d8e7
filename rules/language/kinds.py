"""The kinds of value that a CEL text of the catalogue can name, and which kind each question type is. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rules.definition.catalogue import QuestionType


@dataclass(frozen=True, slots=True)
class Kind:
    """``number``, ``text``, ``truth``, ``date``, ``list`` (of ``of``), ``row`` (of ``pool``), or ``any`` where a
    fault was already told.
    """

    name: str
    of: Kind | None = None
    pool: str = ""

    def __str__(self) -> str:
        """Return the kind in words."""
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


KIND_OF_TYPE: Final[dict[QuestionType, Kind]] = {
    "text": TEXT,
    "long_text": TEXT,
    "choice": TEXT,
    "multi_choice": TEXTS,
    "boolean": TRUTH,
    "integer": NUMBER,
    "number": NUMBER,
    "decimal": NUMBER,
    "money": NUMBER,
    "percent": NUMBER,
    "year": NUMBER,
    "date": DATE,
    "zip": TEXT,
    "email": TEXT,
    "phone": TEXT,
    "url": TEXT,
    "fein": TEXT,
    "ssn": TEXT,
    "vin": TEXT,
    "naics": TEXT,
}
