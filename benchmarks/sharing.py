"""Measures whether a few items of one tenant wait for many of another: ten copies changed by an operation, alone and
while a worker runs an operation of 100,000 items.

Ten items are worked on within the request that submits them, so they have no place in the queue: what is left is that
both share the machine.
"""

from __future__ import annotations

import math
import time
from itertools import count
from typing import Final
from uuid import UUID

from benchmarks.drainers import Drainers
from benchmarks.figures import Figure, figure, milliseconds
from benchmarks.forms import SavedForm, Size, save_form, save_others
from benchmarks.operations import store_operation
from benchmarks.rounds import say
from operations.models import OperationItem
from operations.submission.start import start
from tenants.current_tenant import use_tenant
from tenants.flag_memory import FlagMemory
from tenants.flag_rules import FlagState
from tenants.flags import FLAGS
from tenants.models import Flag

SIZE: Final = Size(answers=60, rules=20)
FEW: Final = 10
#: The items of the large operation; they mean these many copies in turn.
MANY: Final = 100_000
COPIES: Final = 500
#: Operations of ten items in each turn.
REPEATS: Final = 20
QUICK: Final = {"many": 200, "copies": 20, "repeats": 2}
_PERCENTILE: Final = 0.95
#: Seconds after which a measured operation counts as lost.
_PATIENCE: Final = 30.0
_variants = count()


def measure(rounds: int, *, many: int = MANY, copies: int = COPIES, repeats: int = REPEATS) -> list[Figure]:
    """Return how long ten items take at worst in 95 of 100 cases, alone and beside many."""
    Flag.memory = FlagMemory(lambda: {name: FlagState(name=name, everyone=True) for name in FLAGS})
    large = save_form(SIZE)
    targets = [large.id, *save_others(large, copies - 1)]
    small = save_form(SIZE)
    few = [small.id, *save_others(small, FEW - 1)]
    alone, beside = [], []
    for number in range(rounds):
        alone.append(_worst(small, few, repeats))
        operation = store_operation(large, [targets[place % copies] for place in range(many)], variant=number % 2)
        with Drainers(1) as drainers:
            drainers.begin()
            beside.append(_worst(small, few, repeats))
            drainers.end()
        with use_tenant(large.tenant):
            OperationItem.objects.filter(operation_id=operation.id).delete()
            operation.delete()
        say(f"round {number + 1} of {rounds}")
    what = f"sharing: {FEW} items of one tenant"
    return [
        figure(f"{what} alone, 95th percentile", "ms", milliseconds(alone)),
        figure(f"{what} beside {MANY:,} of another, 95th percentile", "ms", milliseconds(beside)),
        figure(
            f"{what} beside {MANY:,} of another: against alone",
            "times",
            [slow / fast for slow, fast in zip(beside, alone, strict=True)],
            goal="<= 1.2",
        ),
    ]


def _worst(form: SavedForm, ids: list[UUID], repeats: int) -> float:
    """Return the 95th percentile of the seconds from the start of an operation to its last end."""
    seconds = []
    for _ in range(repeats):
        operation = store_operation(form, ids, variant=next(_variants) % 2)
        began = time.perf_counter()
        start(operation, tenant=form.tenant)
        with use_tenant(form.tenant):
            operation.refresh_from_db()
            # The worker may have claimed the items before the request did.
            while operation.finished_at is None and time.perf_counter() < began + _PATIENCE:
                time.sleep(0.001)
                operation.refresh_from_db()
        seconds.append(time.perf_counter() - began)
        assert operation.completed == len(ids), operation.completed
    return sorted(seconds)[math.ceil(_PERCENTILE * len(seconds)) - 1]
