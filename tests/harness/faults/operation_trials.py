"""Trials with batch operations: submit one, work on it until killed, cancel and retry it.

``worse`` names the sabotage of the engine; a test that does not detect it proves nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from forms.models import ApplicationForm
from operations.engine import chunk_run, ends, orders
from operations.engine.pace import Pace
from operations.engine.worker import drain
from operations.kinds import registry
from operations.models import BatchOperation
from tenants.current_tenant import use_tenant
from tenants.flag_memory import FlagMemory
from tenants.flag_rules import FlagState
from tenants.flags import BATCH_OPERATIONS, FLAGS
from tenants.models import Flag, Tenant
from tests.harness.faults.entry_catalogue import ACTOR, TENANT
from tests.harness.faults.scenarios import shorten_locks
from tests.harness.operation_kinds import Rename, TestItem, store

Report = Callable[..., None]
#: Waits and locks are short, so that a trial is; their proportions are those of the product.
_WAITS: Final = (0.4, 0.8, 1.6)
_LOCK_SECONDS: Final = 0.8


def submit(report: Report, *, invalid: list[int], transient: list[int]) -> None:
    """Store an operation that renames all forms, in the order of their ids; the items with these numbers fail, or fail
    once. Report its id.
    """
    tenant = Tenant.objects.get(code=TENANT)
    with use_tenant(tenant):
        forms = [str(form_id) for form_id in ApplicationForm.objects.order_by("id").values_list("id", flat=True)]
    items = [
        TestItem(
            form_id=form,
            fault="invalid" if number in invalid else "transient" if number in transient else "",
            times=1 if number in transient else 1_000,
        )
        for number, form in enumerate(forms)
    ]
    with use_tenant(tenant):
        report(operation=str(store(items, tenant=tenant).id))


def work_until_killed(  # noqa: PLR0913 - each is named at the call
    report: Report, *, lease: float, chunk: int, rest: float, worse: str = "", obeys_flags: bool = False
) -> None:
    """Work on operations forever, in chunks of ``chunk``; each rests for ``rest`` seconds before and after its save.

    All flags are on unless it ``obeys_flags``, as they are stored.
    """
    if not obeys_flags:
        Flag.memory = FlagMemory(lambda: {name: FlagState(name=name, everyone=True) for name in FLAGS})
    ends.WAITS = _WAITS  # type: ignore[misc]
    shorten_locks(_LOCK_SECONDS)
    kind = Rename()
    kind.rest = rest
    Rename.chunk_size = chunk
    registry.KINDS = {**registry.KINDS, kind.code: kind}  # type: ignore[misc]
    make_worse(worse)
    report(started=os.getpid())
    while True:
        drain("default", lease=lease, pace=Pace(seconds=1e9))
        time.sleep(0.02)


def switch(report: Report, *, is_on: bool) -> None:
    """Switch batch operations on or off for everybody, as staff do."""
    flag = Flag.objects.filter(name=BATCH_OPERATIONS).first() or Flag(name=BATCH_OPERATIONS)
    flag.everyone, flag.is_on = True, is_on
    flag.save()
    report(is_on=is_on)


def make_worse(worse: str) -> None:
    """Break one promise of the engine in this process."""
    if worse == "recorded apart":
        Rename.is_atomic = False
    elif worse == "no lease":
        held = " AND i.lease_token = %(token)s AND i.state = 'in_progress'"
        assert held in ends._END
        ends._END = ends._END.replace(held, "")  # type: ignore[misc]
    elif worse == "counted twice":
        real = chunk_run.Recorder.missing
        chunk_run.Recorder.missing = (  # type: ignore[method-assign]
            lambda self, made: [*real(self, made), *self.ends.values()]
        )
        ends._END = ends._END.replace(" AND i.lease_token = %(token)s AND i.state = 'in_progress'", "")  # type: ignore[misc]
    elif worse:
        raise ValueError(worse)


def order(report: Report, *, name: str, operation: str, **values: Any) -> None:
    """Give the order ``name`` to an operation; report its result."""
    tenant = Tenant.objects.get(code=TENANT)
    with use_tenant(tenant):
        found = BatchOperation.objects.get(pk=UUID(operation))
        report(done=getattr(orders, name)(found, actor=ACTOR, **values))
