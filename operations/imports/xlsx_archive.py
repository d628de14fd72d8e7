"""Workbooks (XLSX): the archive is checked before anything is unpacked, then its first sheet is read row by row.

openpyxl reads the cells; it trusts the archive, so what it would unpack is measured first. Macros, links to other
files, pictures and the layout are not read, formulas count as the value that was saved with them.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

from openpyxl.cell.cell import ERROR_CODES
from openpyxl.reader.excel import ExcelReader

from operations.imports.errors import FileTooLarge, ImportRefused, PackedTooDensely, UnreadableFile, UnsupportedFile
from operations.imports.limits import (
    MOST_BLANK_ROWS,
    MOST_COLUMNS,
    MOST_ENTRIES,
    MOST_RATIO,
    MOST_SHARED_TEXT_BYTES,
    MOST_STYLE_BYTES,
    MOST_UNPACKED_BYTES,
)
from operations.imports.shared_texts import SharedTexts
from operations.imports.sheet_meter import SheetMeter
from operations.imports.table import FileRow, ImportFile, RowFault, name_columns, table_rows

# openpyxl warns of what it leaves out, and names values of cells in it.
warnings.filterwarnings("ignore", category=UserWarning, module=r"openpyxl\.")

_MEGABYTE: Final = 1024 * 1024
#: The signature of an entry in the directory of an archive.
_ENTRY: Final = b"PK\x01\x02"
_DOCTYPE: Final = b"<!DOCTYPE"
_WORKBOOK: Final = "xl/workbook.xml"
#: The parts that are needed; all others are left out of what openpyxl is given.
_READ: Final = re.compile(
    r"\[Content_Types\]\.xml|_rels/\.rels|docProps/[^/]+\.xml"
    r"|xl/(?:workbook|styles|sharedStrings)\.xml|xl/_rels/workbook\.xml\.rels|xl/worksheets/[^/]+\.xml"
)
_SHARED: Final = "xl/sharedStrings.xml"
_LIMITS: Final = {"xl/styles.xml": MOST_STYLE_BYTES, _SHARED: MOST_SHARED_TEXT_BYTES}
_SHEET: Final = "xl/worksheets/"
#: Number formats that show leading zeros: ZIP codes, EINs.
_ZEROS: Final = re.compile(r"0{2,20}")
_SHEETS: Final = "xl/worksheets/"
_ERRORS: Final = frozenset(ERROR_CODES)
#: Whatever a damaged part makes openpyxl or the XML parser raise.
_DAMAGES: Final = (
    zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, TypeError, IndexError, AttributeError, SyntaxError,
    OverflowError, NotImplementedError, RuntimeError, OSError, UserWarning,
)  # fmt: skip


def read_workbook(content: bytes) -> ImportFile:
    """Return the first visible sheet of the workbook ``content``.

    Raises ``FileTooLarge``, ``PackedTooDensely``, ``UnreadableFile``, ``UnsupportedFile``.
    """
    small, notes = _checked(content)
    header, name = _header(small)
    columns = name_columns(header)
    return ImportFile("xlsx", columns, lambda: _rows(small, columns), sheet=name, notes=notes)


class _Workbook(NamedTuple):
    """The archive with only the parts that openpyxl reads, and the texts that its cells share."""

    archive: bytes
    texts: list[str]


def _checked(content: bytes) -> tuple[_Workbook, tuple[str, ...]]:
    """Return the workbook, each part unpacked and measured, and notes about what is not read."""
    notes = []
    if content.count(_ENTRY) > 2 * MOST_ENTRIES:  # before an object is made of each
        raise FileTooLarge("parts", MOST_ENTRIES)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if len(entries) > MOST_ENTRIES:
                raise FileTooLarge("parts", MOST_ENTRIES)
            names = [entry.filename for entry in entries]
            if _WORKBOOK not in names:
                raise UnsupportedFile("an archive without a workbook")
            if len(set(names)) != len(names):
                raise UnreadableFile("a part of the workbook is contained twice.")
            if any(name.startswith("xl/externalLinks/") for name in names):
                notes.append("Links to other workbooks are not followed; the values saved with them are imported.")
            if "xl/vbaProject.bin" in names:
                notes.append("The macros of this workbook are ignored.")
            return _copied(archive, [entry for entry in entries if _READ.fullmatch(entry.filename)]), tuple(notes)
    except ImportRefused:
        raise
    except _DAMAGES as error:
        raise _damaged() from error


def _copied(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> _Workbook:
    """Return the parts in ``entries``. The stated sizes are not trusted: what comes out is counted."""
    total = 0
    shared = SharedTexts()
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as copy:
        for entry in entries:
            limit = _LIMITS.get(entry.filename, MOST_UNPACKED_BYTES)
            if entry.flag_bits & 1:
                raise UnreadableFile("it is protected by a password. Save it without one.")
            size, tail = 0, b""
            texts = shared if entry.filename == _SHARED else None
            meter = SheetMeter() if entry.filename.startswith(_SHEETS) else texts
            with archive.open(entry) as source, copy.open(entry.filename, "w", force_zip64=True) as sink:
                while block := source.read(_MEGABYTE // 4):
                    # In UTF-16 a NUL follows each letter. Only a document type can declare entities.
                    if _DOCTYPE in tail + block.replace(b"\0", b""):
                        raise UnreadableFile("a part of the workbook declares entities.")
                    tail = block.replace(b"\0", b"")[-len(_DOCTYPE) :]
                    size += len(block)
                    total += len(block)
                    if size > _MEGABYTE and size > MOST_RATIO * max(entry.compress_size, 1):
                        raise PackedTooDensely
                    if size > limit or total > MOST_UNPACKED_BYTES:
                        raise FileTooLarge("unpacked bytes in one part", min(limit, MOST_UNPACKED_BYTES))
                    if meter is not None:
                        meter.feed(block)
                    if texts is None:
                        sink.write(block)
    return _Workbook(target.getvalue(), shared.texts)


def _header(content: _Workbook) -> tuple[list[str], str]:
    """Return the texts of the first row that has any, and the name of the sheet."""
    with _Sheet(content) as sheet:
        for _, texts in sheet.records():
            if any(text.strip() for text in texts):
                return texts, sheet.name
        return [], sheet.name


def _rows(content: _Workbook, columns: tuple[str, ...]) -> Iterator[FileRow]:
    with _Sheet(content) as sheet:
        records = sheet.records()
        for _, texts in records:
            if any(text.strip() for text in texts):
                break
        for row in table_rows(columns, records):
            errors = [
                RowFault(name, "cell_error", f"The cell contains the error {text}. Correct its formula.")
                for name, text in row.cells.items()
                if text in _ERRORS
            ]
            yield FileRow(row.number, row.cells, None, (*row.faults, *errors)) if errors else row


class _Reader(ExcelReader):  # type: ignore[misc]  # it has no types
    """A reader of openpyxl that takes the texts that were read already."""

    def __init__(self, content: _Workbook) -> None:
        super().__init__(io.BytesIO(content.archive), read_only=True, data_only=True, keep_links=False)
        self._texts = content.texts

    def read_strings(self) -> None:
        """Take the texts."""
        self.shared_strings = self._texts


class _Sheet:
    """The first visible sheet, open for reading."""

    def __init__(self, content: _Workbook) -> None:
        self._content = content
        self._workbook: Any = None
        self.name = ""

    def __enter__(self) -> _Sheet:
        try:
            reader = _Reader(self._content)
            reader.read()
            self._workbook = reader.wb
            sheets = [sheet for sheet in self._workbook.worksheets if sheet.sheet_state == "visible"]
        except _DAMAGES as error:
            raise _damaged() from error
        if not sheets:
            raise UnreadableFile("it has no visible sheet.")
        self._sheet = sheets[0]
        self.name = str(self._sheet.title)
        return self

    def __exit__(self, *error: object) -> None:
        if self._workbook is not None:
            self._workbook.close()

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """Yield row numbers and texts; missing rows are blank ones."""
        self._sheet.reset_dimensions()  # a file may claim any dimensions
        # Padded to the last cell of each row, of at most 18,278 columns.
        rows = enumerate(self._sheet.iter_rows(), 1)
        while True:
            try:
                number, cells = next(rows)
                if number > MOST_BLANK_ROWS:
                    raise FileTooLarge("rows", MOST_BLANK_ROWS)
                if len(cells) > MOST_COLUMNS and any(cell.value not in (None, "") for cell in cells[MOST_COLUMNS:]):
                    raise FileTooLarge("columns", MOST_COLUMNS)
                texts = [_text(cell) for cell in cells[:MOST_COLUMNS]]
            except StopIteration:
                return
            except ImportRefused:
                raise
            except _DAMAGES as error:
                raise _damaged() from error
            yield number, texts


def _text(cell: Any) -> str:  # noqa: PLR0911 - one line for each type of cell
    """Return the value of ``cell`` as a person would type it: dates as ISO 8601, numbers without trailing zeros."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value, cell.number_format or "")
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return str(value)


def _number(value: float, number_format: str) -> str:
    exact = Decimal(repr(value))
    if "%" in number_format and exact.is_finite():
        return f"{_plain(exact * 100)}%"
    if _ZEROS.fullmatch(number_format) and exact == exact.to_integral_value():
        return str(int(exact)).zfill(len(number_format))
    return _plain(exact)


def _plain(number: Decimal) -> str:
    """Return ``number`` without exponent and trailing zeros."""
    if not number.is_finite():
        return str(number)
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _damaged() -> UnreadableFile:
    return UnreadableFile("the workbook is damaged. Open it in a spreadsheet program and save it again.")
