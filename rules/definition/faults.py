"""The faults of a catalogue, reported together: place, problem and remedy of each. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class CatalogueFault(msgspec.Struct, frozen=True):
    """One fault. ``where`` is a key path into the definition (``derived[d_total].value``); ``line`` and ``column``
    count from 1 inside its CEL text.
    """

    code: str
    where: str
    text: str
    remedy: str
    line: int | None = None
    column: int | None = None

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
