"""The faults of a catalogue, reported together: place, problem and remedy of each. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

import msgspec


class CatalogueFault(msgspec.Struct, frozen=True):
    """One fault. ``where`` is a key path into the definition (``derived[d_total].value``); ``line`` and ``column``
    count from 1 inside its CEL text. ``file`` is the carrier package that the fault is in, "" for the catalogue's own
    file.
    """

    code: str
    where: str
    text: str
    remedy: str
    line: int | None = None
    column: int | None = None
    file: str = ""

    def __str__(self) -> str:
        place = f"{self.where}, column {self.column}" if self.column else self.where
        return f"{place}: {self.text} {self.remedy}"


class CatalogueWarning(CatalogueFault, frozen=True):
    """A part that is allowed, but is likely a mistake; it hinders neither loading nor publishing."""


class CatalogueErrors(Exception):
    """An invalid catalogue; ``faults`` holds every reason, in the order of the definition."""

    def __init__(self, faults: Sequence[CatalogueFault]) -> None:
        self.faults = list(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


def closest(name: str, names: Iterable[str], what: str) -> str:
    """Return the remedy for a ``name`` that is not among ``names``; ``what`` is the word for such a name."""
    known = list(names)
    matches = difflib.get_close_matches(name, known, n=1)
    if matches:
        return f"Did you mean {matches[0]!r}?"
    return f"Add the {what}, or name one of: {', '.join(known[:20])}." if known else f"Add the {what} first."
