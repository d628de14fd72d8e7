"""The benchmarks run, with sizes too small to measure speed, and store figures of one shape."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import pages
from benchmarks.__main__ import available
from benchmarks.figures import KEYS, LATEST, figure, keep, marked
from benchmarks.names import Kept, Save, kept, saves
from benchmarks.summary import HEADS, MISSING, ROWS, summary, text_of
from tests.harness.measurements import run_measurements

#: Measurements that take few seconds in small; the others run in the full tier.
SHORT = ("saving", "round_trips", "rules")


def is_well_formed(entry: dict[str, Any]) -> bool:
    numbers = (entry["value"], entry["low"], entry["high"])
    verdict = (entry["holds"] is not None) == bool(entry["goal"])
    return tuple(entry) == KEYS and verdict and all(isinstance(number, int | float) for number in numbers)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("names", [SHORT, pytest.param(available(), marks=pytest.mark.slow)], ids=["short", "all"])
def test_every_measurement_runs_and_its_figures_are_kept(names: tuple[str, ...], tmp_path: Path) -> None:
    figures, done = run_measurements(*names, "--rounds", "1", path=tmp_path / "latest.json")

    assert [entry for entry in figures if not is_well_formed(entry)] == []
    printed = [text for text in done.stdout.splitlines() if text.startswith(tuple(entry["name"] for entry in figures))]
    assert len(printed) == len(figures)
    assert [entry for entry in figures if not entry["measured"] or entry["load"] is None] == []
    measured = [line.removesuffix(" ...") for line in done.stderr.splitlines() if line.endswith(" ...")]
    assert measured == list(names)


def test_kept_figures_have_the_shape_and_every_goal_of_the_save() -> None:
    figures = json.loads(LATEST.read_text(encoding="utf-8"))

    assert [entry for entry in figures if not is_well_formed(entry)] == []
    assert [entry["name"] for entry in figures if not entry["measured"]] == []
    goals = {entry["goal"] for entry in figures if " / " in entry["name"] and entry["name"].startswith("save 100 of")}
    assert goals >= {">= 100", ">= 3", "<= 4"}


def test_goal_holds_only_where_the_median_keeps_it() -> None:
    assert figure("ratio", "times", [9, 1, 3], goal=">= 3")["holds"] is True
    assert figure("ratio", "times", [9, 1, 2.9], goal=">= 3")["holds"] is False
    assert figure("ratio", "times", [5, 1, 4], goal="<= 4")["holds"] is True
    assert figure("ratio", "times", [5, 1, 4.1], goal="<= 4")["holds"] is False


def test_run_of_some_measurements_leaves_the_figures_of_others(tmp_path: Path) -> None:
    path = tmp_path / "latest.json"
    keep([figure("one", "ms", [1]), figure("two", "ms", [1])], path=path, is_whole=True)

    keep([figure("two", "ms", [2])], path=path, is_whole=False)

    kept_now = {entry["name"]: entry["value"] for entry in json.loads(path.read_text(encoding="utf-8"))}
    assert kept_now == {"one": 1, "two": 2}


def test_places_on_curves_are_found_by_their_names() -> None:
    save = Save(answers=5_000, changes=20, delay_ms=2, contender="careful Django, upsert")
    document = Kept(answers=2_000, format="JSON zstd-3, external", what="WAL of a save")
    figures = [figure(save.name, "ms", [1]), figure(document.name, "bytes", [2]), figure("other", "ms", [3])]

    assert list(saves(figures)) == [save]
    assert list(kept(figures)) == [document]


def test_page_takes_the_tables_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- goals -->\nold\n<!-- end -->\nafter\n", encoding="utf-8")

    pages.write([figure("ratio", "times", [2, 3, 4], goal=">= 3"), figure("time", "ms", [1])], ["2 CPUs"], page=page)

    assert page.read_text(encoding="utf-8").splitlines() == [
        "before",
        "<!-- goals -->",
        "| figure | value | spread | goal | holds |",
        "| --- | ---: | ---: | ---: | ---: |",
        "| ratio | 3 times | 2.5 to 3.5 | >= 3 | yes |",
        "<!-- end -->",
        "after",
    ]


def test_the_last_table_compares_each_work_with_its_goals() -> None:
    patterns = {row.pattern: row for row in ROWS}
    assert len(patterns) == len(ROWS)
    figures = [
        figure("save 100 of 500 answers, 200 rules: signal-driven / ours", "times", [70]),
        figure("save 100 of 500 answers, 200 rules: careful Django / ours", "times", [4.5]),
        figure("relay: drain against the bare loop", "x", [0.1]),
        figure("save 100 of 500 answers, 200 rules, 2 ms of network: signal-driven / ours", "times", [90]),
        figure("decide 10,000 demo copies: decide_many", "s", [3]),
        figure("what if, 10,000 demo copies: one rule changed, on one core", "s", [1]),
    ]

    cells = {(line[0], line[1]): line[2:] for line in summary(figures)}

    assert cells["save 100 of 500 answers, 200 rules", "signal-driven models"] == (">= 60", ">= 100", "70 times", "yes")
    assert cells["the same", "careful Django, bulk_update"] == (">= 3", ">= 4", "4.5 times", "stretch")
    assert cells["relay", "bare claim and delete"] == (">= 0.2", ">= 0.3", "0.1 x", "no")
    assert cells["relay", "Procrastinate, empty jobs"][2:] == (MISSING, "")
    assert cells["the same, 2 ms of network", "signal-driven models"] == (">= 80", ">= 100", "90 times", "yes")
    assert cells["the same, in s", ""] == ("", "<= 2", "3 s", "no")
    assert cells["the same, in s, on one core", ""] == ("", "<= 2", "1 s", "stretch")
    assert text_of(figures).splitlines()[0].split() == list(HEADS)


def test_a_run_of_other_load_is_a_group_of_its_own(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- others -->\n<!-- end -->\n", encoding="utf-8")
    quiet = marked([figure("one", "ms", [1]), figure("two", "ms", [2])], measured="2026-01-31", load=0.52)
    busy = marked([figure("three", "ms", [3])], measured="2026-01-31", load=7)
    old = [{**figure("four", "ms", [4]), "measured": "2025-12-31"}]

    pages.write([*quiet, *busy, *old], [], page=page)

    lines = page.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith(("Measured", "| one", "| two", "| three", "| four"))] == [
        "Measured 2026-01-31, load average 0.5:",
        "| one | 1 ms |  |",
        "| two | 2 ms |  |",
        "Measured 2026-01-31, load average 7.0:",
        "| three | 3 ms |  |",
        "Measured 2025-12-31, load average not recorded:",
        "| four | 4 ms |  |",
    ]


@pytest.mark.parametrize(("load", "cells"), [(1.9, ("20 x", "yes")), (2.1, (MISSING, ""))])
def test_a_row_that_other_work_distorts_counts_only_from_a_quiet_machine(load: float, cells: tuple[str, str]) -> None:
    figures = marked([figure("relay: drain against Procrastinate", "x", [20])], measured="2026-01-31", load=load)

    assert [row[-2:] for row in summary(figures) if "Procrastinate" in row[1]] == [cells]
