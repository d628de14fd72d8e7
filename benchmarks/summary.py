"""The table at the end of `make bench`: the works that this product is judged by, each against an opponent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from benchmarks.figures import Figure, is_kept, is_quiet, shown


class Row(NamedTuple):
    """One work against one opponent; ``pattern`` is that of the figure's name. With ``quiet``, a figure that other work
    may have distorted does not count.
    """

    work: str
    against: str
    pattern: str
    goal: str
    stretch: str = ""
    quiet: bool = False


#: The saves on the database's machine, and those with network in between.
_NEAR: Final = r"save 100 of [^:]* rules:"
_FAR: Final = r"save 100 of .* of network:"
ROWS: Final = (
    Row(
        "save 100 of 500 answers, 200 rules",
        "signal-driven models",
        rf"{_NEAR} signal-driven / ours",
        ">= 60",
        ">= 100",
    ),
    Row("the same", "careful Django, bulk_update", rf"{_NEAR} careful Django / ours", ">= 3", ">= 4"),
    Row("the same", "careful Django, upsert", rf"{_NEAR} careful Django with upsert / ours", ">= 3", ">= 4"),
    Row("the same", "one bare transaction of the same bytes", rf"{_NEAR} ours / bare psycopg", "<= 3", "<= 2.5"),
    Row("the same, 2 ms of network", "signal-driven models", rf"{_FAR} signal-driven / ours", ">= 80", ">= 100"),
    Row(
        "the same, 2 ms of network",
        "careful Django, upsert",
        rf"{_FAR} careful Django with upsert / ours",
        ">= 3",
        ">= 4",
    ),
    Row(
        "the same, 2 ms of network",
        "one bare transaction of the same bytes",
        rf"{_FAR} ours / bare psycopg",
        "<= 3",
        "<= 2.5",
    ),
    Row("PATCH of one answer", "the same save in process", r"one answer of 150: PATCH / save", "<= 2", "<= 1.5"),
    Row("load and save, round trips", "number of changes", r"round trips, load \+ save: the most", "<= 2"),
    Row("1,000 rules, 2,000 answers, full run", "zen-engine", r"1,000 rules.*: full / zen-engine", "<= 3", "<= 2"),
    Row("the same, one answer changed", "zen-engine, full run", r"1,000 rules.*: zen-engine / one answer", ">= 25"),
    Row(
        "one answer of 500 forms by an operation",
        "bare chunked UPDATE",
        r"operation:.*against the bare UPDATE",
        ">= 0.25",
        ">= 0.4",
    ),
    Row("the same", "single saves over HTTP", r"operation:.*against single saves", ">= 20"),
    Row("import of forms", "COPY of the same rows", r"import \d.*: against COPY", ">= 0.05", ">= 0.1"),
    Row("relay", "bare claim and delete", r"relay: drain against the bare loop", ">= 0.2", ">= 0.3"),
    Row("relay", "Procrastinate, empty jobs", r"relay: drain against Procrastinate", ">= 10", quiet=True),
    Row(
        "commit to frame, 200 sockets",
        "bare Redis publish/subscribe",
        r"commit to frame, 200 sockets / bare",
        "<= 1.5",
        "<= 1.3",
    ),
    Row("commit to frame, 200 sockets, p99", "", r"commit to frame, 200 sockets, p99", "<= 50"),
    Row("commit to frame, 1,000 sockets, p99", "", r"commit to frame, 1000 sockets, p99", "<= 40"),
    Row("check of a rate limit", "PING", r"rate limit: two counts / PING by", "<= 1.5"),
    Row("read of 2,000 answers over HTTP", "SELECT, decompress, send", r"read a copy .*: ours / bare", "<= 2"),
    Row("the same, unchanged (304)", "an empty response", r"read a copy .*: 304 /", "<= 1.2"),
    Row("compare copies of 3,000 answers", "jsonpatch", r"compare two .*: jsonpatch / ours", ">= 5"),
    Row("the same", "DeepDiff", r"compare two .*: DeepDiff / ours", ">= 100"),
    Row("the same, rows shuffled, in ms", "", r"compare two .*, rows shuffled", "<= 50", "<= 10"),
    Row("clone of a copy", "one save", r"clone .*: clone / save", "<= 1.3"),
    Row("decide 10,000 copies, 2 cores", "bare loop on one core", r"decide 10,000 .* on 2 cores", ">= 1.6"),
    Row("the same, in s", "", r"decide 10,000 .*: decide_many", "", "<= 2"),
    Row("the same where one rule changed", "all decided in full", r"what if, .*: all decided in full", ">= 5"),
    Row("the same, in s, on one core", "", r"what if, 10,000 .*: one rule changed", "", "<= 2"),
    Row("callback of a carrier", "bare verify and INSERT", r"callback of a carrier: intake / bare", "<= 1.3"),
    Row("growth with answers, power of", "500 to 5,000 answers", r"save time grows with answers", "<= 1"),
    Row("200 agents, form page, p95 in ms", "", r"200 agents.* each 2 s by form page: p95", "<= 150", quiet=True),
    Row("200 agents, PATCH, p95 in ms", "", r"200 agents.* each 2 s by PATCH: p95", "<= 150", quiet=True),
)
HEADS: Final = ("work", "against", "goal", "stretch", "now", "holds")
MISSING: Final = "not measured on a quiet machine"


def summary(figures: Sequence[Figure]) -> list[tuple[str, ...]]:
    """Return the rows of the table, with ``HEADS``."""
    return [_cells(row, figures) for row in ROWS]


def text_of(figures: Sequence[Figure]) -> str:
    """Return the table as text."""
    rows = [HEADS, *summary(figures)]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines)


def _cells(row: Row, figures: Sequence[Figure]) -> tuple[str, ...]:
    found = next((entry for entry in figures if re.match(row.pattern, entry["name"])), None)
    if found is None or (row.quiet and not is_quiet(found)):
        return row.work, row.against, row.goal, row.stretch, MISSING, ""
    value = found["value"]
    is_stretch = bool(row.stretch) and is_kept(value, row.stretch)
    holds = is_kept(value, row.goal) if row.goal else is_stretch
    verdict = "no" if not holds else "stretch" if is_stretch else "yes"
    return row.work, row.against, row.goal, row.stretch, f"{shown(value)} {found['unit']}", verdict
