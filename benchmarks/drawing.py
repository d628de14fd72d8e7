"""Draws the curves of docs/benchmarks.md as SVG, from the figures that a run has stored.

Needs matplotlib, which only `make bench` installs. The files contain no date: equal figures give equal bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure as Sheet

from benchmarks.figures import Figure
from benchmarks.growth import FIXED_ANSWERS, FIXED_CHANGES
from benchmarks.names import Save, kept, saves

FOLDER: Final = Path(__file__).resolve().parent.parent / "docs" / "benchmarks"
SHOWN_FORMATS: Final = (
    "jsonb, pglz",
    "jsonb, lz4",
    "JSON, external",
    "JSON zstd-3, external",
    "msgpack zstd-1, external",
    "protobuf zstd-1, external",
)
mpl.rcParams |= {"svg.hashsalt": "benchmarks", "svg.fonttype": "none", "font.size": 9, "font.family": "sans-serif"}


def draw(figures: Sequence[Figure], *, folder: Path = FOLDER) -> None:
    """Write an SVG for each curve that ``figures`` has places for."""
    folder.mkdir(parents=True, exist_ok=True)
    points = saves(figures)
    by_answers = {point: entry for point, entry in points.items() if point.changes == FIXED_CHANGES}
    by_changes = {point: entry for point, entry in points.items() if point.answers == FIXED_ANSWERS}
    if points:
        _draw_saves(
            by_answers, folder / "growth-answers.svg", lambda point: point.answers, f"answers, {FIXED_CHANGES} changed"
        )
        _draw_saves(
            by_changes,
            folder / "growth-changes.svg",
            lambda point: point.changes,
            f"changed of {FIXED_ANSWERS:,} answers",
        )
    if kept(figures):
        _draw_storage(figures, folder / "storage.svg")


def _draw_saves(points: dict[Save, Figure], path: Path, place: Callable[[Save], int], label: str) -> None:
    delays = sorted({point.delay_ms for point in points})
    sheet = Sheet(figsize=(9, 3.8), layout="constrained")
    panels = sheet.subplots(1, len(delays), sharey=True, squeeze=False)[0]
    for panel, delay in zip(panels, delays, strict=True):
        for contender in dict.fromkeys(point.contender for point in points):
            chosen = _in_order(
                (place(point), entry)
                for point, entry in points.items()
                if (point.delay_ms, point.contender) == (delay, contender)
            )
            _draw_line(panel, [x for x, _ in chosen], [entry for _, entry in chosen], contender)
        panel.set(xscale="log", yscale="log", xlabel=label, title=f"{delay} ms of network added to a round trip")
        panel.grid(visible=True, which="major", alpha=0.3)
    panels[0].set_ylabel("load + change + save, ms")
    panels[0].legend()
    _keep(sheet, path)


def _draw_storage(figures: Sequence[Figure], path: Path) -> None:
    points = kept(figures)
    sheet = Sheet(figsize=(9, 3.8), layout="constrained")
    panels = sheet.subplots(1, 3)
    for panel, what in zip(panels, ("load", "save", "WAL of a save"), strict=True):
        for name in SHOWN_FORMATS:
            chosen = _in_order(
                (point.answers, entry) for point, entry in points.items() if (point.format, point.what) == (name, what)
            )
            _draw_line(panel, [x for x, _ in chosen], [entry for _, entry in chosen], name)
        panel.set(xscale="log", yscale="log", xlabel="answers", title=f"{what}, {'bytes' if 'WAL' in what else 'ms'}")
        panel.grid(visible=True, which="major", alpha=0.3)
    panels[0].legend(fontsize=7)
    _keep(sheet, path)


def _in_order(places: Iterable[tuple[int, Figure]]) -> list[tuple[int, Figure]]:
    return sorted(places, key=lambda place: place[0])


def _draw_line(panel: Any, xs: list[int], entries: list[Figure], label: str) -> None:
    values = [entry["value"] for entry in entries]
    (line,) = panel.plot(xs, values, marker="o", markersize=3, linewidth=1.3, label=label)
    lows, highs = [entry["low"] for entry in entries], [entry["high"] for entry in entries]
    panel.fill_between(xs, lows, highs, alpha=0.15, color=line.get_color(), linewidth=0)


def _keep(sheet: Sheet, path: Path) -> None:
    sheet.savefig(path, metadata={"Date": None, "Creator": None})
