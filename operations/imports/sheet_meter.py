"""Measures a sheet while it is unpacked: openpyxl keeps the elements of a row, and all outside of rows, in memory."""

from __future__ import annotations

from typing import Final

# Document types, which alone can declare entities, are refused before a block comes here.
from xml.parsers.expat import ExpatError, ParserCreate  # noqa: S407

from operations.imports.errors import PackedTooDensely, UnreadableFile

#: A row has at most 16,384 cells in a spreadsheet, each with a formula, a value and their parts.
MOST_IN_ROW: Final = 5 * 16_384
#: Merged cells, widths, hints and the like.
MOST_OUTSIDE: Final = 200_000
_DEEPEST: Final = 32


class SheetMeter:
    """Counts the elements of a sheet as its bytes come."""

    def __init__(self) -> None:
        self._parser = ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._depth = 0
        self._in_row = 0
        self._row_depth = 0
        self._outside = 0

    def feed(self, block: bytes) -> None:
        """Count the elements of ``block``. Raises ``PackedTooDensely``, ``UnreadableFile``."""
        try:
            self._parser.Parse(block, False)  # noqa: FBT003 - expat takes positions only
        except ExpatError as error:
            raise UnreadableFile("a sheet of the workbook is damaged.") from error

    def _start(self, name: str, attributes: object) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise PackedTooDensely
        if self._row_depth:
            self._in_row += 1
            if self._in_row > MOST_IN_ROW:
                raise PackedTooDensely
        elif name.rpartition(":")[2] == "row":
            self._row_depth, self._in_row = self._depth, 0
        else:
            self._outside += 1
            if self._outside > MOST_OUTSIDE:
                raise PackedTooDensely

    def _end(self, name: str) -> None:
        if self._depth == self._row_depth:
            self._row_depth = 0
        self._depth -= 1
