"""The two tiers of the tests: how much `make test` tries, and how much `make test-full`.

`make test-full` sets ``TEST_TIER`` to ``full``; without it the amounts of `make test` count.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, Final

import pytest

#: The seconds that a test waits for something that will come, on a machine that may stall.
PATIENCE: Final = 60.0
IS_FULL: Final = os.environ.get("TEST_TIER") == "full"


def amount(quick: int, *, full: int) -> int:
    """Return how much of something the tier tries, such as the examples of a property."""
    return full if IS_FULL else quick


def within(seconds: float) -> float:
    """Return the most seconds that something may take: a machine that runs the quick tier may stall, and gets more."""
    return seconds if IS_FULL else max(seconds, PATIENCE)


def until(condition: Callable[[], Any], *, seconds: float = PATIENCE) -> None:
    """Wait until ``condition`` holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def seeds(total: int, *, quick: int = 1) -> list[Any]:
    """Return the seeds 0, 1, 2 and so on as parameters; all but the first ``quick`` are slow."""
    return [*range(quick), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(quick, total))]
