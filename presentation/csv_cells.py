"""Cells and rows of CSV files that are opened in spreadsheets. Pure.

A text that a spreadsheet would run as a formula begins with an apostrophe (CWE-1236).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Final

#: Spreadsheets need it in front to tell the encoding.
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
#: The last four are full-width signs, which East Asian spreadsheets read like the others.
_FORMULA: Final = re.compile("\\s*[-=+@\t\r|%\uff1d\uff0b\uff0d\uff20]")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def safe_cell(text: str) -> str:
    """Return ``text`` so that no spreadsheet takes it for a formula; numbers stay as they are."""
    if _NUMBER.fullmatch(text) or not _FORMULA.match(text):
        return text
    return f"'{text}"


def csv_bytes(rows: Iterable[Sequence[str]]) -> bytes:
    """Return ``rows`` as lines of CSV in UTF-8; no cell is a formula."""
    content = io.StringIO(newline="")
    writer = csv.writer(content, lineterminator="\r\n")
    for row in rows:
        writer.writerow([safe_cell(cell) for cell in row])
    return content.getvalue().encode()
