"""Measures times in interleaved rounds and returns their median and spread. Knows nothing of the measured work.

In each round every contender takes its turn, and each round begins with another one: disturbances of the machine affect
all of them. Garbage is collected before each turn; automatic collection stays on, as in production.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

#: The meaning of ``low`` and ``high`` of each figure.
SPREAD = "quartiles of the rounds"


@dataclass(frozen=True, kw_only=True)
class Contender:
    """Work to be timed: ``run`` gets the number of its call, ``repeats`` calls make one turn."""

    name: str
    run: Callable[[int], object]
    repeats: int = 1
    warm_up: int = 2


@dataclass(frozen=True, kw_only=True)
class Middle:
    """The median of the rounds and their quartiles."""

    value: float
    low: float
    high: float


def interleave(
    contenders: Sequence[Contender], *, rounds: int, pick: Callable[[Sequence[float]], float] = statistics.median
) -> dict[str, list[float]]:
    """Return for each contender one time per round, in seconds a call: the one that ``pick`` selects of its calls.

    ``min`` is least affected by other work of the machine, and is fair only among contenders that take about as long.
    A single round is a trial without meaning for speed: each contender is called twice.
    """
    is_trial = rounds == 1
    calls = {contender.name: 0 for contender in contenders}
    times: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for contender in contenders:
        for _ in range(1 if is_trial else contender.warm_up):
            contender.run(calls[contender.name])
            calls[contender.name] += 1
    for number in range(rounds):
        first = number % len(contenders)
        for contender in (*contenders[first:], *contenders[:first]):
            gc.collect()
            turn = []
            for _ in range(1 if is_trial else contender.repeats):
                began = time.perf_counter()
                contender.run(calls[contender.name])
                turn.append(time.perf_counter() - began)
                calls[contender.name] += 1
            times[contender.name].append(pick(turn))
        say(f"round {number + 1} of {rounds}")
    return times


def middle(values: Sequence[float]) -> Middle:
    """Return the median and the quartiles of ``values``, which may be a single one."""
    if len(values) == 1:
        return Middle(value=values[0], low=values[0], high=values[0])
    low, value, high = statistics.quantiles(values, n=4, method="inclusive")
    return Middle(value=value, low=low, high=high)


def ratios(slower: Sequence[float], faster: Sequence[float]) -> list[float]:
    """Return the ratio of the first to the second in each round."""
    return [slow / fast for slow, fast in zip(slower, faster, strict=True)]


def say(line: str) -> None:
    """Print the progress at the terminal."""
    print(f"    {line}", file=sys.stderr, flush=True)
