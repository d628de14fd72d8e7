"""Imported files: recognized by their content, never by their name, and read row by row. Pure.

Tables (CSV, XLSX) have a header; JSON is a list of objects, NDJSON one object per line.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from operations.imports.errors import (
    EmptyFile,
    FileTooLarge,
    ImportRefused,
    UnknownEncoding,
    UnreadableFile,
    UnsupportedFile,
)
from operations.imports.json_elements import lines, list_elements
from operations.imports.limits import MOST_BYTES, MOST_COLUMNS, MOST_OBJECT_BYTES
from operations.imports.table import Cell, FileRow, Format, ImportFile, RowFault, name_columns, table_rows
from operations.imports.xlsx_archive import read_workbook
from presentation.strict_json import JsonFault, JsonValue, parse

#: The beginnings of files that people send instead.
_OTHERS: Final = (
    (b"\xd0\xcf\x11\xe0", "an old Excel file (.xls), or a workbook with a password"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a packed file"),
    (b"7z\xbc\xaf", "a packed file"),
    (b"Rar!", "a packed file"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
)
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, ""),
    (codecs.BOM_UTF32_BE, ""),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DELIMITERS: Final = ",;\t|"
#: The bytes and lines that a guess of the delimiter looks at.
_SAMPLE: Final = 65_536
_SAMPLE_LINES: Final = 20
_BLOCK: Final = 1024 * 1024
_SEPARATOR_LINE: Final = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1f]")
#: The keys of a JSON object that is a form already; any other object is a row of named cells.
FORM_KEYS: Final = frozenset(
    {"answers", "answer_pools", "title", "reference", "external_id", "metadata", "as_of", "catalogue"}
)
_FORM_MARKS: Final = frozenset({"answers", "answer_pools"})


class _Encoding(NamedTuple):
    name: str
    is_guess: bool = False


def read_file(content: bytes) -> ImportFile:
    """Return the file with ``content``; its rows are read later, one after another.

    Raises ``ImportRefused``: the class is the reason.
    """
    if len(content) > MOST_BYTES:
        raise FileTooLarge("bytes", MOST_BYTES)
    if not content.strip():
        raise EmptyFile
    if content.startswith(b"PK"):
        return read_workbook(content)
    for beginning, name in _OTHERS:
        if content.startswith(beginning):
            raise UnsupportedFile(name)
    encoding = _encoding_of(content)
    start = content[:_SAMPLE].decode(encoding.name, errors="ignore").lstrip("\ufeff \t\r\n")
    if start[:1] in ("[", "{"):
        if not encoding.name.startswith("utf-8"):
            raise UnknownEncoding  # as RFC 8259 has it
        return _json_file(content.removeprefix(codecs.BOM_UTF8), start)
    return _csv_file(content, encoding)


# Encodings


def _encoding_of(content: bytes) -> _Encoding:
    for mark, name in _BOMS:
        if content.startswith(mark):
            if not name or not _decodes(content, name):
                raise UnknownEncoding
            return _Encoding(name)
    start = content[:_SAMPLE]
    zeros = start.count(0)
    if zeros:
        # Western text in UTF-16 has a zero at each second byte.
        little = start[1::2].count(0)
        name = "utf-16-le" if little * 2 > zeros else "utf-16-be"
        if zeros * 4 < len(start) or not _decodes(content, name):
            raise UnsupportedFile("a file of bytes")
        return _Encoding(name, is_guess=True)
    if _decodes(content, "utf-8"):
        return _Encoding("utf-8")
    if _decodes(content, "cp1252"):
        return _Encoding("cp1252", is_guess=True)
    raise UnknownEncoding


def _decodes(content: bytes, name: str) -> bool:
    """Return whether all of ``content`` is valid in the encoding ``name``; decodes it block by block."""
    decoder = codecs.getincrementaldecoder(name)()
    try:
        for place in range(0, len(content), _BLOCK):
            decoder.decode(content[place : place + _BLOCK])
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def _notes(encoding: _Encoding) -> tuple[str, ...]:
    if not encoding.is_guess:
        return ()
    name = "Windows-1252" if encoding.name == "cp1252" else encoding.name.upper()
    return (f"The file does not name its encoding; it was read as {name}. Check names with accents.",)


# CSV


def _csv_file(content: bytes, encoding: _Encoding) -> ImportFile:
    sample = content[:_SAMPLE].decode(encoding.name, errors="ignore").lstrip("\ufeff")
    if _CONTROL.search(sample):
        raise UnsupportedFile("a file of bytes")
    first = sample.partition("\n")[0].rstrip("\r")
    named = _SEPARATOR_LINE.fullmatch(first)
    delimiter = named[1] if named else _delimiter_of(sample)
    records = _csv_records(content, encoding, delimiter, skip=1 if named else 0)
    header = next((record for _, record in records if any(text.strip() for text in record)), [])
    columns = name_columns(header)
    if not columns:
        raise EmptyFile

    def rows() -> Iterator[FileRow]:
        again = _csv_records(content, encoding, delimiter, skip=1 if named else 0)
        for _, record in again:
            if any(text.strip() for text in record):
                break
        return table_rows(columns, again)

    return ImportFile("csv", columns, rows, encoding=encoding.name, delimiter=delimiter, notes=_notes(encoding))


def _csv_records(
    content: bytes, encoding: _Encoding, delimiter: str, *, skip: int
) -> Iterator[tuple[int, Sequence[str]]]:  # fmt: skip
    text = io.TextIOWrapper(io.BytesIO(content), encoding=encoding.name, newline="")
    for _ in range(skip):
        text.readline()
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    number = skip
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return
        except (csv.Error, UnicodeError) as error:
            line = skip + reader.line_num
            raise UnreadableFile(f"line {line:,} is not valid CSV ({error}). Check its quotation marks.") from error
        number += 1
        if number == skip + 1 and record:
            record[0] = record[0].lstrip("\ufeff")
        if len(record) > MOST_COLUMNS and any(text.strip() for text in record[MOST_COLUMNS:]):
            raise FileTooLarge("columns", MOST_COLUMNS)
        yield number, record


def _delimiter_of(sample: str) -> str:
    """Return the delimiter under which the first lines have the most columns, the same number in each if possible."""
    best, found = (0, 0), ","
    for delimiter in _DELIMITERS:
        widths = []
        try:
            for record in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
                if record:
                    widths.append(len(record))
                if len(widths) == _SAMPLE_LINES:
                    break
        except csv.Error:
            continue
        if not widths or widths[0] < 2:
            continue
        score = (sum(width == widths[0] for width in widths) * 2 >= len(widths), widths[0])
        if score > best:
            best, found = score, delimiter
    return found


# JSON


def _json_file(content: bytes, start: str) -> ImportFile:
    format: Format = "json" if start.startswith("[") or not _is_one_object_per_line(content) else "ndjson"
    read = _json_values if format == "json" else lines
    columns: dict[str, None] = {}
    for row in _json_rows(read(content)):
        columns.update(dict.fromkeys(row.cells))
        if len(columns) > MOST_COLUMNS:
            raise FileTooLarge("columns", MOST_COLUMNS)
    return ImportFile(format, tuple(columns), lambda: _json_rows(read(content)), encoding="utf-8")


def _is_one_object_per_line(content: bytes) -> bool:
    first = content.lstrip().partition(b"\n")[0]
    if len(first) > MOST_OBJECT_BYTES:
        return True
    try:
        return isinstance(parse(first), dict)
    except JsonFault as fault:
        return fault.code != "malformed_json"


def _json_values(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and text of each object of a list; a single object is a list of one."""
    if content.lstrip().startswith(b"{"):
        yield 1, content
    else:
        yield from list_elements(content)


def _json_rows(values: Iterator[tuple[int, bytes]]) -> Iterator[FileRow]:
    for number, text in values:
        if len(text) > MOST_OBJECT_BYTES:
            detail = f"The row has more than {MOST_OBJECT_BYTES:,} bytes."
            yield FileRow(number, {}, None, (RowFault("", "too_long", detail),))
            continue
        try:
            value: JsonValue = parse(text)
        except JsonFault as fault:
            if fault.code == "malformed_json":
                raise UnreadableFile(f"row {number:,} is not valid JSON. {fault.text}") from fault
            yield FileRow(number, {}, None, (RowFault("", fault.code, fault.text),))
            continue
        if not isinstance(value, dict):
            yield FileRow(number, {}, None, (RowFault("", "wrong_type", "The row must be a JSON object."),))
        elif _FORM_MARKS & value.keys():
            yield FileRow(number, {}, value)
        else:
            yield _named_cells(number, value)


def _named_cells(number: int, value: Mapping[str, Any]) -> FileRow:
    cells: dict[str, Cell] = {}
    faults = []
    for name, cell in value.items():
        if isinstance(cell, dict):
            faults.append(RowFault(name, "wrong_type", "Send a text, a number, true, false or a list."))
        elif cell is not None and cell != "" and cell != []:
            cells[name] = cell
    return FileRow(number, cells, None, tuple(faults))


__all__ = ["FORM_KEYS", "ImportRefused", "read_file"]
