"""The limits of imported files. Pure."""

from __future__ import annotations

from typing import Final

#: The file as it is sent.
MOST_BYTES: Final = 15 * 1024 * 1024
#: One form as JSON, as the API takes it.
MOST_OBJECT_BYTES: Final = 1024 * 1024
MOST_ROWS: Final = 100_000
MOST_COLUMNS: Final = 1_000
MOST_CELLS: Final = 5_000_000
#: As in spreadsheets.
MOST_CELL_CHARACTERS: Final = 32_767
#: A row without a cell costs little, but a file must not make us count to a billion.
MOST_BLANK_ROWS: Final = 200_000
#: A workbook: the entries of its archive, their unpacked size in all, that of its styles, and the ratio beyond which an
#: entry of more than a megabyte is taken for a bomb.
MOST_ENTRIES: Final = 1_000
MOST_UNPACKED_BYTES: Final = 256 * 1024 * 1024
MOST_SHARED_TEXT_BYTES: Final = 64 * 1024 * 1024
#: Texts of a workbook that differ.
MOST_SHARED_TEXTS: Final = 1_000_000
MOST_STYLE_BYTES: Final = 8 * 1024 * 1024
MOST_RATIO: Final = 200
