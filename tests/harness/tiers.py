"""The two tiers of the tests: how much `make test` tries, and how much `make test-full`.

`make test-full` sets ``TEST_TIER`` to ``full``; without it the amounts of `make test` count.
"""

from __future__ import annotations

import os
from typing import Any, Final

import pytest

IS_FULL: Final = os.environ.get("TEST_TIER") == "full"


def amount(quick: int, *, full: int) -> int:
    """Return how much of something the tier tries, such as the examples of a property."""
    return full if IS_FULL else quick


def seeds(total: int, *, quick: int = 1) -> list[Any]:
    """Return the seeds 0, 1, 2 and so on as parameters; all but the first ``quick`` are slow."""
    return [*range(quick), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(quick, total))]
