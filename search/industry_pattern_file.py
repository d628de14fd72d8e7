"""Reads the ZIP Codes Business Patterns of the US Census Bureau (``zbp*detail.txt``): businesses by ZIP code, industry
and size. Pure.

The file is CSV with a header; columns are found by their names. Only six-digit industries count; codes of NAICS 2017
count for their successors.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from rules.reference_data import industries, old_industries

#: The columns of size classes, as in the files of different years, by the lowest number of employees.
SIZE_COLUMNS: Final[Mapping[str, int]] = {
    "n<5": 0,
    "n1_4": 0,
    "n5_9": 5,
    "n10_19": 10,
    "n20_49": 20,
    "n50_99": 50,
    "n100_249": 100,
    "n250_499": 250,
    "n500_999": 250,
    "n1000": 250,
}
_ZIP: Final = re.compile(r"[0-9]{5}")
_CODE: Final = re.compile(r"[0-9]{6}")
#: The Bureau writes N for a number that it withholds.
_WITHHELD: Final = frozenset({"N", ""})


class UnreadablePatterns(Exception):
    """The file is not one of business patterns; the message names the line and the remedy."""


def read_patterns(lines: Iterable[str]) -> dict[str, dict[int, dict[str, int]]]:
    """Return ZIP code -> size class -> industry code -> number of businesses. Raises ``UnreadablePatterns``."""
    rows = csv.reader(lines)
    header = [name.strip().lower() for name in next(rows, [])]
    missing = [name for name in ("zip", "naics") if name not in header]
    sizes = [(header.index(name), size) for name, size in SIZE_COLUMNS.items() if name in header]
    if missing or not sizes:
        wanted = ", ".join([*missing, *([] if sizes else ["n<5 or n1_4, n5_9, ..."])])
        raise UnreadablePatterns(
            f"The first line lacks the columns {wanted}. Use the file zbp*detail.txt of the Bureau."
        )
    zip_at, code_at = header.index("zip"), header.index("naics")
    patterns: dict[str, dict[int, dict[str, int]]] = {}
    for number, row in enumerate(rows, 2):
        if len(row) != len(header):
            raise UnreadablePatterns(f"Line {number} has {len(row)} columns instead of {len(header)}.")
        codes = _present_codes(row[code_at].strip())
        zip_code = row[zip_at].strip().zfill(5)
        if not codes:
            continue
        if not _ZIP.fullmatch(zip_code):
            raise UnreadablePatterns(f"Line {number}: {row[zip_at]!r} is not a ZIP code of five digits.")
        of_zip = patterns.setdefault(zip_code, {})
        for place, size in sizes:
            count = _count(row[place], number)
            for code in codes if count else ():
                of_size = of_zip.setdefault(size, {})
                of_size[code] = of_size.get(code, 0) + count
    return patterns


def _present_codes(code: str) -> Sequence[str]:
    """Return the codes of NAICS 2022 for ``code``; none for totals of groups (``2382//``) and unknown codes."""
    if not _CODE.fullmatch(code):
        return ()
    if code in industries():
        return (code,)
    old = old_industries().get(code)
    return old.successors if old else ()


def _count(text: str, number: int) -> int:
    text = text.strip()
    if text in _WITHHELD:
        return 0
    if not text.isdecimal():
        raise UnreadablePatterns(f"Line {number}: {text!r} is not a number of businesses.")
    return int(text)
