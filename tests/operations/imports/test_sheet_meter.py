"""A sheet is measured while it is unpacked, so what openpyxl would keep in memory is bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.imports.errors import PackedTooDensely, UnreadableFile
from operations.imports.sheet_meter import MOST_IN_ROW, MOST_OUTSIDE, SheetMeter

HEAD = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
TAIL = b"</sheetData></worksheet>"


def measure(*blocks: bytes) -> None:
    meter = SheetMeter()
    for block in blocks:
        meter.feed(block)


@given(st.lists(st.integers(0, 40), max_size=60), st.integers(1, 50))
def test_ordinary_rows_pass_in_blocks_of_any_size(rows: list[int], size: int) -> None:
    content = HEAD + b"".join(b"<row>" + b"<c><v>1</v></c>" * cells + b"</row>" for cells in rows) + TAIL

    measure(*(content[place : place + size] for place in range(0, len(content), size)))


def test_many_full_rows_pass() -> None:
    measure(HEAD, *([b"<row>" + b"<c><v>1</v></c>" * 1_000 + b"</row>"] * 300), TAIL)


@pytest.mark.parametrize(
    "blocks",
    [
        [HEAD, b"<row>", b"<c/>" * (MOST_IN_ROW + 1)],
        [HEAD, b"<row><x>", b"<row/>" * (MOST_IN_ROW + 1)],
        [HEAD, TAIL[:12], b"<mergeCells>", b"<mergeCell/>" * (MOST_OUTSIDE + 1)],
        [HEAD, b"<x>" * 40],
    ],
    ids=["one endless row", "rows in a row", "merged cells", "depth"],
)
def test_what_would_fill_the_memory_is_refused(blocks: list[bytes]) -> None:
    with pytest.raises(PackedTooDensely):
        measure(*blocks)


def test_a_damaged_sheet_is_refused() -> None:
    with pytest.raises(UnreadableFile):
        measure(HEAD, b"<row></c>")
