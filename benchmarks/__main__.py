"""The runner: `make bench`, or `make bench ARGS="saving rules --rounds 9"` for some measurements.

Prints one line for each figure, and at the end one table of the works that have goals; reports progress on the error
output, writes the figures to results/latest.json, and updates the tables and curves of docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks import pages
from benchmarks.figures import LATEST, Figure, keep, line, marked
from benchmarks.summary import text_of
from benchmarks.surroundings import describe, prepare

#: Modules of this package with ``measure(rounds) -> list of figures``, in the order of the table.
MEASUREMENTS: Final = (
    "saving",
    "requesting",
    "agents",
    "costs",
    "reading",
    "staleness",
    "cloning",
    "round_trips",
    "rules",
    "deciding",
    "what_if",
    "growth",
    "storage",
    "history",
    "comparing",
    "locking",
    "limiting",
    "relay",
    "operations",
    "sharing",
    "importing",
    "callbacks",
    "quoting",
    "searching",
    "live",
    "programs",
    "servers",
    "capacity",
)
FEWEST_ROUNDS: Final = 5


def main(arguments: Sequence[str]) -> int:
    """Run the requested measurements; return 0, because a missed goal is a figure and no failure."""
    asked = _parse(arguments)
    prepare()
    machine = describe()
    print("\n".join(machine))
    figures = run(asked.measurements, rounds=asked.rounds, quick=asked.quick, path=asked.results)
    if asked.results == LATEST:
        # With those of earlier runs.
        figures = json.loads(LATEST.read_text(encoding="utf-8"))
        pages.write(figures, machine)
        pages.write_scaling(figures)
        # Not imported above: tests run without matplotlib.
        importlib.import_module("benchmarks.drawing").draw(figures)
    print(f"\n{text_of(figures)}")
    return 0


def run(names: Sequence[str], *, rounds: int, quick: bool, path: Path | None) -> list[Figure]:
    """Run the measurements ``names`` in their order, print their figures and write them to ``path`` (None: nowhere).

    ``quick`` uses small sizes to check that everything works; such figures are useless otherwise.
    """
    figures: list[Figure] = []
    for name in names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        module = importlib.import_module(f"benchmarks.{name}")
        today, load = datetime.now(UTC).date().isoformat(), os.getloadavg()[0]
        found = module.measure(rounds, **(getattr(module, "QUICK", {}) if quick else {}))
        found = marked(found, measured=today, load=load)
        for entry in found:
            print(line(entry), flush=True)
        figures += found
        if path is not None:
            keep(figures, path=path, is_whole=False)
    if path is not None and set(names) == set(available()):
        keep(figures, path=path, is_whole=True)
    return figures


def available() -> tuple[str, ...]:
    """Return the names of all measurements in this checkout."""
    return tuple(name for name in MEASUREMENTS if importlib.util.find_spec(f"benchmarks.{name}"))


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("measurements", nargs="*", help=f"of {', '.join(available())}; none means all")
    parser.add_argument("--rounds", type=int, default=9, help=f"interleaved rounds, at least {FEWEST_ROUNDS}")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: shows that everything works")
    parser.add_argument("--results", type=Path, help="where to keep the figures; results/latest.json unless --quick")
    asked = parser.parse_args(arguments)
    unknown = set(asked.measurements) - set(available())
    if unknown:
        parser.error(f"unknown measurements: {', '.join(sorted(unknown))}; there are {', '.join(available())}")
    if asked.rounds < FEWEST_ROUNDS and not asked.quick:
        parser.error(f"fewer than {FEWEST_ROUNDS} rounds say nothing")
    asked.measurements = asked.measurements or available()
    asked.results = asked.results or (None if asked.quick else LATEST)
    return asked


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
