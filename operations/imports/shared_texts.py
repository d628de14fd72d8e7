"""Reads the shared texts of a workbook as their bytes come, each once: openpyxl makes several objects of each text, at
each reading of a sheet.
"""

from __future__ import annotations

from typing import Final

# Document types, which alone can declare entities, are refused before a block comes here.
from xml.parsers.expat import ExpatError, ParserCreate  # noqa: S407

from operations.imports.errors import FileTooLarge, PackedTooDensely, UnreadableFile
from operations.imports.limits import MOST_SHARED_TEXTS

_DEEPEST: Final = 32
#: A text, its parts, and the pronunciation beside it, which is no part of it.
_ITEM: Final = "si"
_PART: Final = "t"
_PRONUNCIATION: Final = "rPh"
#: How spreadsheets write that an underscore is no beginning of a sign's number.
_ESCAPE: Final = "x005F_"


class SharedTexts:
    """The texts so far."""

    def __init__(self) -> None:
        """Expect the first block."""
        self.texts: list[str] = []
        self._parser = ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._depth = 0
        self._parts: list[str] = []
        self._silent = 0

    def feed(self, block: bytes) -> None:
        """Read the texts of ``block``. Raises ``FileTooLarge``, ``PackedTooDensely``, ``UnreadableFile``."""
        try:
            self._parser.Parse(block, False)  # noqa: FBT003 - expat takes positions only
        except ExpatError as error:
            raise UnreadableFile("the texts of the workbook are damaged.") from error

    def _start(self, name: str, attributes: object) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise PackedTooDensely
        local = name.rpartition(":")[2]
        if local == _ITEM:
            self._parts = []
        elif local == _PRONUNCIATION:
            self._silent += 1
        elif local == _PART and not self._silent:
            self._parser.CharacterDataHandler = self._parts.append

    def _end(self, name: str) -> None:
        self._depth -= 1
        local = name.rpartition(":")[2]
        if local == _PART:
            self._parser.CharacterDataHandler = None
        elif local == _PRONUNCIATION:
            self._silent -= 1
        elif local == _ITEM:
            if len(self.texts) == MOST_SHARED_TEXTS:
                raise FileTooLarge("different texts", MOST_SHARED_TEXTS)
            self.texts.append("".join(self._parts).replace(_ESCAPE, ""))
