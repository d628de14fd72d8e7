"""The faults of one CEL text. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TextFault:
    """A fault in one CEL text; ``offset`` counts characters from 0."""

    code: str
    text: str
    remedy: str
    offset: int


class TextFaults(Exception):
    """An invalid CEL text; ``faults`` holds every reason."""

    def __init__(self, *faults: TextFault) -> None:
        self.faults = faults
        super().__init__("; ".join(fault.text for fault in faults))
