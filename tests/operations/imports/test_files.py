"""Files in, rows out: formats and encodings by content, limits, and files made to do harm."""

from __future__ import annotations

import csv
import io
import json
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from operations.imports import errors
from operations.imports.files import read_file
from operations.imports.json_elements import list_elements
from operations.imports.limits import MOST_BYTES, MOST_COLUMNS
from operations.imports.table import FileRow
from tests.harness.tiers import within


def cells(content: bytes) -> list[dict[str, Any]]:
    return [dict(row.cells) for row in read_file(content).rows()]


def workbook(rows: list[list[Any]], *, change: Callable[[Any], None] | None = None) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    if change is not None:
        change(book)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def repacked(content: bytes, **parts: bytes) -> bytes:
    """Return the archive with other content of ``parts``, by the last word of their names."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in source.namelist():
            word = name.rpartition("/")[2].partition(".")[0]
            archive.writestr(name, parts.get(word, source.read(name)))
    return target.getvalue()


SHEET = (
    b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    b"<sheetData>%b</sheetData></worksheet>"
)


def sheet(rows: bytes) -> bytes:
    return repacked(workbook([["a"], ["1"]]), sheet1=SHEET % rows)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_a_table_is_read_in_its_encoding(encoding: str) -> None:
    file = read_file("Name,ZIP\r\nCafé Zoë,02134\r\n".encode(encoding))

    assert [dict(row.cells) for row in file.rows()] == [{"Name": "Café Zoë", "ZIP": "02134"}]
    assert bool(file.notes) == (encoding in ("utf-16-le", "utf-16-be", "cp1252"))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("is_named", [True, False])
def test_a_delimiter_is_named_or_guessed(delimiter: str, is_named: bool) -> None:
    named = f"sep={delimiter}\r\n" if is_named else ""
    text = f'{named}Name{delimiter}Note\r\n"A{delimiter}B"{delimiter}"two\r\nlines"\r\n'

    assert cells(text.encode()) == [{"Name": f"A{delimiter}B", "Note": "two\r\nlines"}]


def test_rows_have_the_numbers_that_a_spreadsheet_shows() -> None:
    rows = list(read_file(b"\na,b\n1,2\n,\n3,\n").rows())

    assert [(row.number, dict(row.cells)) for row in rows] == [(3, {"a": "1", "b": "2"}), (5, {"a": "3"})]


def test_columns_without_or_with_the_same_name_are_numbered() -> None:
    file = read_file(b"ZIP,,zip ,ZIP,\n1,2,3,4,\n")

    assert file.columns == ("ZIP", "Column 2", "zip", "ZIP (2)")


def test_a_cell_too_many_is_a_fault_of_its_row() -> None:
    first, second = read_file(b"a,b\n1,2,3\n1,2,\n").rows()

    assert [fault.code for fault in first.faults] == ["extra_cells"]
    assert second.faults == ()


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        (78701, "General", "78701"),
        (2134, "00000", "02134"),
        (1234.5, "#,##0.00", "1234.5"),
        (0.1, "General", "0.1"),
        (0.07, "0%", "7%"),
        (1e21, "General", "1000000000000000000000"),
        (1e-7, "General", "0.0000001"),
        (3.0, "General", "3"),
        (True, "General", "true"),
        (date(2026, 1, 31), "yyyy-mm-dd", "2026-01-31"),
        (datetime(2026, 1, 31), "m/d/yyyy", "2026-01-31"),  # noqa: DTZ001 - a spreadsheet's times have no zone
        (datetime(2026, 1, 31, 8, 30), "m/d/yyyy h:mm", "2026-01-31 08:30:00"),  # noqa: DTZ001
        ("0042", "@", "0042"),
        ("=1+1", "General", None),
    ],
)
def test_cells_of_a_workbook_are_typed_text(value: Any, number_format: str, text: str | None) -> None:
    def change(book: Any) -> None:
        book.active["B2"].number_format = number_format

    (row,) = cells(workbook([["a", "b"], ["x", value]], change=change))

    # A formula that no program has computed has no value.
    assert row.get("b") == text


def test_the_first_visible_sheet_is_read() -> None:
    def change(book: Any) -> None:
        book.active.sheet_state = "hidden"
        book.create_sheet("Second").append(["b"])
        book["Second"].append([None])
        book["Second"].append(["2"])

    file = read_file(workbook([["a"], ["1"]], change=change))

    assert file.sheet == "Second"
    assert [(row.number, dict(row.cells)) for row in file.rows()] == [(3, {"b": "2"})]


def test_an_error_in_a_cell_is_a_fault_of_the_cell() -> None:
    content = sheet(b'<row r="1"><c r="A1" t="str"><v>a</v></c></row><row r="2"><c r="A2" t="e"><v>#REF!</v></c></row>')

    (row,) = read_file(content).rows()

    assert [(fault.column, fault.code) for fault in row.faults] == [("a", "cell_error")]


def test_json_is_a_list_of_objects_or_one_per_line() -> None:
    rows = [{"ZIP": "78701", "n": 5, "yes": True, "none": None}, {"answers": {"q": 1}, "title": "A"}]
    lines = "\n".join(map(json.dumps, rows)).encode()

    for content, kind in ((json.dumps(rows, indent=1).encode(), "json"), (lines, "ndjson"), (b"\n" + lines, "ndjson")):
        file = read_file(content)
        first, second = file.rows()
        assert (file.format, file.columns) == (kind, ("ZIP", "n", "yes"))
        assert dict(first.cells) == {"ZIP": "78701", "n": 5, "yes": True}
        assert second.item == rows[1]
    assert len(list(read_file(json.dumps(rows[1], indent=1).encode()).rows())) == 1


def test_a_faulty_object_is_refused_alone() -> None:
    content = b'{"a": 1}\n{"a": 1, "a": 2}\n[1]\n{"a": {"b": 1}}\n{"a": "\\ud800"}\n{"a": 1e999}\n'

    codes = [[fault.code for fault in row.faults] for row in read_file(content).rows()]

    assert codes == [[], ["duplicate_key"], ["wrong_type"], ["wrong_type"], ["lone_surrogate"], ["number_too_large"]]


TEXTS = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(str.strip)
TABLES = st.lists(TEXTS.map(lambda text: " ".join(text.split())), min_size=2, max_size=5, unique=True).flatmap(
    lambda columns: st.tuples(
        st.just(columns), st.lists(st.fixed_dictionaries(dict.fromkeys(columns, TEXTS)), min_size=1, max_size=5)
    )
)


@settings(max_examples=60, deadline=None)
@given(TABLES, st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), st.sampled_from(",;\t|"))
def test_a_table_comes_back_from_every_format(
    table: tuple[list[str], list[dict[str, str]]], encoding: str, delimiter: str
) -> None:
    columns, rows = table
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([columns, *([row[name] for name in columns] for row in rows)])

    assert cells(f"sep={delimiter}\r\n{text.getvalue()}".encode(encoding)) == rows
    assert cells("\n".join(json.dumps(row) for row in rows).encode()) == [
        row for row in rows if "answers" not in row and "answer_pools" not in row
    ]


@settings(max_examples=15, deadline=None)
@given(TABLES)
def test_a_table_comes_back_from_a_workbook(table: tuple[list[str], list[dict[str, str]]]) -> None:
    columns, rows = table
    plain = [{name: text.replace("=", "~").replace("_x", "~") for name, text in row.items()} for row in rows]
    names = [name.replace("=", "~").replace("_x", "~") for name in columns]
    if len(set(names)) < len(names) or any(not ord(sign) < 0xFFFE for sign in "".join(names + [*plain[0].values()])):
        return

    found = cells(workbook([names, *(list(row.values()) for row in plain)]))

    assert [list(row.values()) for row in found] == [list(row.values()) for row in plain]


# Files made to do harm


def bomb(part: str) -> bytes:
    """Return a workbook of a few hundred kilobytes with a part of 300 MB."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook([["a"], ["1"]]))) as source:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in source.namelist():
                if name != part:
                    archive.writestr(name, source.read(name))
            with archive.open(part, "w", force_zip64=True) as sink:
                for _ in range(30):
                    sink.write(b" " * 1_000_000)
    return target.getvalue()


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml"])
def test_an_archive_that_unpacks_to_hundreds_of_times_its_size_is_refused_early(part: str) -> None:
    content = bomb(part)
    tracemalloc.start()

    with pytest.raises(errors.PackedTooDensely):
        read_file(content)

    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_a_directory_of_many_entries_is_refused_before_it_is_read() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for number in range(2_500):
            archive.writestr(f"xl/{number}", b"")

    with pytest.raises(errors.FileTooLarge):
        read_file(target.getvalue())


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", errors.EmptyFile),
        (b" \n ", errors.EmptyFile),
        (b"a,b\n", errors.EmptyFile),
        (b"a,b\n,\n", errors.EmptyFile),
        (b"[]", errors.EmptyFile),
        (b"PK\x03\x04", errors.UnreadableFile),
        (b"PK\x05\x06" + b"\0" * 18, errors.UnsupportedFile),
        (b"\xd0\xcf\x11\xe0 old", errors.UnsupportedFile),
        (b"%PDF-1.7", errors.UnsupportedFile),
        (b"\x00\x01\x02\x03 a,b", errors.UnsupportedFile),
        (b"a,b\n\x01\x02,\x81\n", errors.UnknownEncoding),
        (b"a,b\x07\n1,2\n", errors.UnsupportedFile),
        (b"\xff\xfe\x00\xd8a", errors.UnknownEncoding),
        (b'a,b\n"1,2\n', errors.UnreadableFile),
        (b'a,b\n"1"x,2\n', errors.UnreadableFile),
        (b'[{"a": 1}', errors.UnreadableFile),
        (b'[{"a": 1}] x', errors.UnreadableFile),
        (b"[" * 100_000, errors.UnreadableFile),
        (b'{"a": 1}\n{"a"\n', errors.UnreadableFile),
        (b"," * 10**6 + b"x\n1\n", errors.FileTooLarge),
        (b"a,b\n" + b"," * 10**6 + b"x\n", errors.FileTooLarge),
        (json.dumps([{str(n): 1 for n in range(MOST_COLUMNS + 1)}]).encode(), errors.FileTooLarge),
        (b"a\n" + b"1\n" * 100_001, errors.FileTooLarge),
        (b"a" * (MOST_BYTES + 1), errors.FileTooLarge),
    ],
    ids=lambda value: repr(value[:12]) if isinstance(value, bytes) else value.__name__,
)
def test_a_file_that_cannot_be_imported_is_refused_with_its_reason(content: bytes, error: type[Exception]) -> None:
    began = time.perf_counter()

    with pytest.raises(error):
        list(read_file(content).rows())

    assert time.perf_counter() - began < within(10)


@pytest.mark.parametrize(
    "rows",
    [
        b'<row r="1"><c r="A1" t="str"><v>a</v></c></row><row r="9999999999"><c t="str"><v>x</v></c></row>',
        b'<row r="1"><c r="A1" t="str"><v>a</v></c><c r="ZZZ1" t="str"><v>x</v></c></row>',
        b'<row r="1"><c r="A1" t="s"><v>99999</v></c></row>',
        b'<row r="1"><c r="A1" t="n"><v>one</v></c></row>',
        b'<row r="x"><c r="A1" t="n"><v>1</v></c></row>',
        b'<row r="1"><c r="A1" s="77777"><v>1</v></c></row>',
        b'<row r="1"><c r="1A"><v>1</v></c></row>',
        b"<row><c>",
        b"",
    ],
)
def test_a_sheet_of_impossible_cells_is_refused(rows: bytes) -> None:
    with pytest.raises(errors.ImportRefused):
        list(read_file(sheet(rows)).rows())


def test_entities_of_a_sheet_are_refused() -> None:
    laughs = b"".join(b'<!ENTITY l%d "%b">' % (n, b"&l%d;" % (n - 1) * 10 if n else b"ha") for n in range(9))
    content = repacked(
        workbook([["a"]]), sheet1=b"<?xml version='1.0'?><!DOCTYPE x [" + laughs + b"]><worksheet>&l8;</worksheet>"
    )

    with pytest.raises(errors.UnreadableFile):
        read_file(content)


def test_merged_cells_and_claimed_dimensions_cost_nothing() -> None:
    merged = b'<mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>'
    body = (SHEET % b'<row r="1"><c t="str"><v>a</v></c></row><row r="2"><c t="str"><v>x</v></c></row>').replace(
        b"<sheetData>", b'<dimension ref="A1:XFD1048576"/><sheetData>'
    )
    content = repacked(workbook([["a"]]), sheet1=body.replace(b"</worksheet>", merged + b"</worksheet>"))

    assert cells(content) == [{"a": "x"}]


def test_macros_and_links_to_other_files_are_ignored_with_a_note() -> None:
    content = workbook([["a"], ["1"]])
    target = io.BytesIO(content)
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"x")
        archive.writestr("xl/externalLinks/externalLink1.xml", b"<x/>")

    file = read_file(target.getvalue())

    assert [dict(row.cells) for row in file.rows()] == [{"a": "1"}]
    assert len(file.notes) == 2


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 10_000), st.sampled_from(["xlsx", "csv", "json"]))
def test_damaged_files_are_refused_or_read(junk: bytes, place: int, kind: str) -> None:
    content = {
        "xlsx": GOOD_BOOK,
        "csv": 'Name;ZIP\n"Café";1\n'.encode(),
        "json": b'[{"Name": "x", "ZIP": [1]}]',
    }[kind]
    place %= len(content)

    try:
        rows: list[FileRow] = list(read_file(content[:place] + junk + content[place + len(junk) // 2 :]).rows())
    except errors.ImportRefused:
        return
    assert rows


GOOD_BOOK = workbook([["Name", "ZIP"], ["x", 78701]])


def shared(texts: bytes) -> bytes:
    """Return a workbook whose cells A1 and A2 are its first two shared texts."""
    named = (
        b'<Override PartName="/xl/sharedStrings.xml" ContentType="application/'
        b'vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>'
    )
    rows = b'<row r="1"><c r="A1" t="s"><v>0</v></c></row><row r="2"><c r="A2" t="s"><v>1</v></c></row>'
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(sheet(rows))) as source:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in source.namelist():
                archive.writestr(name, source.read(name).replace(b"</Types>", named))
            archive.writestr(
                "xl/sharedStrings.xml",
                b'<?xml version="1.0"?><sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">%b</sst>'
                % texts,
            )
    return target.getvalue()


def test_shared_texts_are_read_without_their_pronunciation() -> None:
    rich = b"<si><r><rPr><b/></rPr><t>Hei</t></r><r><t>lig &amp; Co</t></r><rPh><t>hai</t></rPh></si>"

    assert cells(shared(b"<si><t>Name</t></si>" + rich)) == [{"Name": "Heilig & Co"}]


def test_the_number_of_shared_texts_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("operations.imports.shared_texts.MOST_SHARED_TEXTS", 2)
    assert len(cells(shared(b"<si><t>Name</t></si><si><t>x</t></si>"))) == 1

    with pytest.raises(errors.FileTooLarge):
        read_file(shared(b"<si><t>Name</t></si><si><t>x</t></si><si/>"))


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text('ab"\\[]{},: é\n', max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('a"\\]', max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=6), st.sampled_from(["", " ", "\r\n\t "]))
def test_the_elements_of_a_list_are_those_of_a_parser(values: list[Any], space: str) -> None:
    text = space + "[" + f"{space},{space}".join(space + json.dumps(value) for value in values) + f"{space}]{space}"

    assert [json.loads(part) for _, part in list_elements(text.encode())] == values


@given(st.binary(max_size=30).map(lambda junk: b"[" + junk) | st.text('[]{}",:1a\\ ', max_size=12).map(str.encode))
def test_what_is_no_list_is_refused_as_a_parser_does(content: bytes) -> None:
    try:
        expected = json.loads(b"[" + content)
    except (ValueError, UnicodeError):
        expected = None

    try:
        parts = [json.loads(part) for _, part in list_elements(b"[" + content)]
    except (errors.UnreadableFile, ValueError, UnicodeError):
        assert expected is None
    else:
        assert parts == expected


@pytest.mark.parametrize(
    "content",
    [
        b"[" + b"1," * 400_000 + b"1]",
        b"[" + b"{}," * 400_000 + b"{}]",
        b'{"a": 1}\n' + b"1\n" * 400_000,
        b'{"a": 1}' + b"\n" * 400_000 + b"1",
    ],
    ids=["numbers", "objects", "lines", "blank lines"],
)
def test_nothing_behind_the_row_limit_is_read(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("operations.imports.json_elements.MOST_ROWS", 1_000)
    monkeypatch.setattr("operations.imports.json_elements.MOST_BLANK_ROWS", 1_000)
    tracemalloc.start()

    with pytest.raises(errors.FileTooLarge):
        read_file(content)

    assert tracemalloc.get_traced_memory()[1] < len(content) + 1_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    "content", [b"[" * 1_000_000, b'["' + b'\\"' * 1_000_000 + b"]", b'[{"a":' + b'"\\"' * 500_000]
)
def test_a_list_that_never_ends_costs_one_reading(content: bytes) -> None:
    began = time.process_time()

    with pytest.raises(errors.UnreadableFile):
        read_file(content)

    assert time.process_time() - began < 2.0


def test_an_object_that_is_too_large_is_not_parsed() -> None:
    large = b'{"a": [' + b"{}," * 350_000 + b"{}]}"
    tracemalloc.start()

    first, second = read_file(b"[" + large + b', {"a": 1}]').rows()

    assert tracemalloc.get_traced_memory()[1] < 4 * len(large)
    tracemalloc.stop()
    assert ([fault.code for fault in first.faults], second.cells) == (["too_long"], {"a": 1})
    assert [fault.code for row in read_file(large).rows() for fault in row.faults] == ["too_long"]
