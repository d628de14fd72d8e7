"""The limits of the engine, from environment variables (docs/running.md), with the defaults for everything unset."""

from __future__ import annotations

from typing import Final

from django.conf import settings

#: Items of an operation that a request works on at once.
MOST_AT_ONCE: Final = 50
#: A chunk is not made smaller than this to keep it short.
LEAST_CHUNK: Final = 20
#: The work of a chunk aims at this time, in seconds, so that orders and other tenants wait no longer.
CHUNK_SECONDS: Final = 1.0
#: Waits before the attempts after the first one, in seconds, for transient faults.
WAITS: Final = (2.0, 4.0, 8.0)
#: Number of workers that stopped while they worked on an item after which it fails.
MOST_CRASHES: Final = 5
#: A share of failures stops an operation only after so many items.
LEAST_ENDED: Final = 20
#: Chunks that fail one after another until the circuit breaker pauses the operation.
FAULTS_TO_PAUSE: Final = 3
#: So many faulty chunks in a row are not counted as attempts of their items.
FAULTS_FORGIVEN: Final = 20
FIRST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 60.0


def chunk_size(kind_size: int) -> int:
    """Return the most items of a chunk of a kind that allows ``kind_size``."""
    return max(1, min(kind_size, settings.OPERATIONS.chunk_size))


def lease_seconds() -> float:
    """Return how long a lease lasts unless it is renewed."""
    return float(settings.OPERATIONS.lease_seconds)


def pause_seconds(faults: int) -> float:
    """Return how long the circuit breaker pauses after so many ``faults`` in a row; 0.0 while it stays closed."""
    if faults < FAULTS_TO_PAUSE:
        return 0.0
    return float(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(faults - FAULTS_TO_PAUSE, 10)))
