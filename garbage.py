"""Collects garbage less often in programs that run long: web processes, workers, the relay.

Python looks for unreachable cycles after every 700 new objects. A request makes tens of thousands, hardly any of them
in cycles, and each look also walks through what the program has loaded. At a rarer pace a request takes a tenth less
processor time (docs/benchmarks.md).
"""

from __future__ import annotations

import gc
from typing import Final

#: New objects between two looks at the young ones.
NEW_OBJECTS: Final = 20_000


def collect_rarely() -> None:
    """Leave what exists by now out of all later collections, and let those be rarer: called once, after the start."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
