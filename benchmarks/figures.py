"""The figures of a run: plain dicts of one shape, stored in results/latest.json."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.rounds import middle

RESULTS: Final = Path(__file__).parent / "results"
LATEST: Final = RESULTS / "latest.json"
#: ``measured`` is the day, ``load`` the load average as the measurement began; empty and None before they are marked.
KEYS: Final = ("name", "unit", "value", "low", "high", "goal", "holds", "measured", "load")
#: Up to this load average a machine counts as quiet.
QUIET: Final = 2.0
_GOALS: Final[dict[str, Callable[[float, float], bool]]] = {">=": operator.ge, "<=": operator.le}

Figure = dict[str, Any]


def figure(name: str, unit: str, values: Sequence[float], *, goal: str = "") -> Figure:
    """Return the figure of ``values``, one per round: their median with quartiles.

    ``goal`` is ``>= 3`` or ``<= 4`` in the figure's unit; without one ``holds`` is None.
    """
    found = middle(values)
    holds = is_kept(found.value, goal) if goal else None
    return {
        "name": name,
        "unit": unit,
        "value": _rounded(found.value),
        "low": _rounded(found.low),
        "high": _rounded(found.high),
        "goal": goal,
        "holds": holds,
        "measured": "",
        "load": None,
    }


def marked(entries: Iterable[Figure], *, measured: str, load: float) -> list[Figure]:
    """Return ``entries`` with the day on which they were measured and the load average as their measurement began;
    those computed from others are marked as these are.
    """
    return [
        entry if entry["measured"] else {**entry, "measured": measured, "load": round(load, 1)} for entry in entries
    ]


def circumstances(entry: Figure) -> str:
    """Return when and beside how much other work a figure was measured; empty for one that is not marked."""
    if not entry.get("measured"):
        return ""
    load = entry["load"]
    return f"{entry['measured']}, load average {'not recorded' if load is None else f'{load:.1f}'}"


def is_quiet(entry: Figure) -> bool:
    """Return whether a figure is known to come from a quiet machine."""
    load = entry.get("load")
    return load is not None and load <= QUIET


def is_kept(value: float, goal: str) -> bool:
    """Return whether ``value`` keeps ``goal``."""
    sign, _, limit = goal.partition(" ")
    return _GOALS[sign](value, float(limit))


def milliseconds(seconds: Iterable[float]) -> list[float]:
    """Return ``seconds`` as milliseconds."""
    return [value * 1_000 for value in seconds]


def line(entry: Figure) -> str:
    """Return a figure as one line of the table."""
    verdict = {True: "holds", False: "MISSED", None: ""}[entry["holds"]]
    value, low, high = (shown(entry[key]) for key in ("value", "low", "high"))
    spread = f"[{low} .. {high}]"
    goal = f"goal {entry['goal']}" if entry["goal"] else ""
    return f"{entry['name']:<88} {value:>12} {entry['unit']:<6} {spread:<28} {goal:<12} {verdict}".rstrip()


def keep(entries: Sequence[Figure], *, path: Path, is_whole: bool) -> None:
    """Write ``entries`` to ``path``; a run of some measurements leaves the figures of the others unchanged."""
    kept: list[Figure] = []
    if not is_whole and path.exists():
        names = {entry["name"] for entry in entries}
        kept = [entry for entry in json.loads(path.read_text(encoding="utf-8")) if entry["name"] not in names]
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(f" {json.dumps(entry)}" for entry in (*kept, *entries))
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def shown(value: float) -> str:
    """Return ``value`` as text with four significant digits."""
    return f"{_rounded(value):,}"


def _rounded(value: float) -> float:
    """Return ``value`` with four significant digits; more would be noise."""
    rounded = float(f"{value:.4g}")
    return int(rounded) if rounded.is_integer() else rounded
