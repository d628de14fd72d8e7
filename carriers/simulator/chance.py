"""Seeded chance: the same seed and names give the same number. Pure."""

from __future__ import annotations

import hashlib
from statistics import NormalDist
from typing import Final

_NORMAL: Final = NormalDist()
#: Standard deviations between the median and the 95th percentile.
_TO_P95: Final = 1.6448536269514722


def fraction(*names: object) -> float:
    """Return a number above 0 and below 1 that depends on ``names`` alone."""
    digest = hashlib.sha256("\0".join(map(str, names)).encode()).digest()
    return (int.from_bytes(digest[:7]) + 0.5) / 2**56


def delay(p50_seconds: float, p95_seconds: float, *names: object) -> float:
    """Return seconds from the lognormal distribution with these percentiles, at most twice the 95th."""
    deviations = _NORMAL.inv_cdf(fraction(*names))
    seconds = p50_seconds * float((max(p95_seconds, p50_seconds) / p50_seconds) ** (deviations / _TO_P95))
    return min(seconds, 2 * max(p95_seconds, p50_seconds))
