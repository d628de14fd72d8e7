"""Trials with imports: submit one, and work on it until killed.

``worse`` names the sabotage of the kind; a test that does not detect it proves nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any, Final
from uuid import UUID

from uuid_utils.compat import uuid7

from batch import new_copies, service
from failpoints import armed
from operations.engine.pace import Pace
from operations.engine.worker import drain
from operations.imports.order import ImportRequest, import_order
from operations.kinds import import_forms
from operations.models import BatchOperation
from operations.submission.submit import submit as submit_order
from tenants.access import system_actor
from tenants.current_tenant import use_tenant
from tenants.flag_memory import FlagMemory
from tenants.flag_rules import FlagState
from tenants.flags import FLAGS
from tenants.models import Flag, Tenant
from tests.harness.faults.entry_catalogue import TENANT

Report = Callable[..., None]
LEASE: Final = 0.5
MOST_SECONDS: Final = 60.0


def submit(report: Report, *, rows: int) -> None:
    """Submit the import of a table whose rows have the references R-0, R-1 and so on; report the operation's id."""
    tenant = Tenant.objects.get(code=TENANT)
    lines = [f"Kennel {number},TX,R-{number}" for number in range(rows)]
    content = "\n".join(("kennel_name,state,reference", *lines)).encode()
    order = import_order(content, ImportRequest(), catalogue=tenant.catalogue)
    report(operation=str(submit_order(order, tenant=tenant, actor=system_actor("test")).operation.id))


def work(
    report: Report, *, operation: str, chunk: int, failpoint: str = "", nth: int = 1, worse: str = ""
) -> None:  # fmt: skip
    """Work on the operation in chunks of ``chunk`` until it has ended, killed where ``failpoint`` is reached for the
    ``nth`` time; report that it has ended.
    """
    Flag.memory = FlagMemory(lambda: {name: FlagState(name=name, everyone=True) for name in FLAGS})
    import_forms.ImportForms.chunk_size = chunk
    make_worse(worse)
    tenant = Tenant.objects.get(code=TENANT)
    deadline = time.monotonic() + MOST_SECONDS
    with armed(failpoint, nth=nth, action="kill") if failpoint else nullcontext():
        while time.monotonic() < deadline:
            drain("default", lease=LEASE, pace=Pace(seconds=1e9))
            with use_tenant(tenant):
                if BatchOperation.objects.get(pk=UUID(operation)).finished_at is not None:
                    report(ended=operation)
                    return
            time.sleep(0.05)


def make_worse(worse: str) -> None:
    """Break one promise of the kind in this process."""
    forms = import_forms._Forms
    if worse == "forms without the ids of their items":
        # Each form has an id of its own, and its item ends after the commit.
        service.new_form = lambda *order, identity, **scope: new_copies.new_form(*order, identity=uuid7(), **scope)  # type: ignore[assignment]
        forms._record = _recorded_apart  # type: ignore[method-assign]
    elif worse == "items taken for made":
        # An item that was tried before counts as made.
        forms._stored = lambda self: {key for key in self._items if _is_second_attempt(key)}  # type: ignore[method-assign]
    elif worse:
        raise ValueError(worse)


def _recorded_apart(self: import_forms._Forms, saved: Mapping[UUID, Any]) -> None:
    self._ends |= {key: self._end(key, result) for key, result in saved.items()}


def _is_second_attempt(item_id: UUID) -> bool:
    return bool(import_forms.OperationItem.objects.filter(id=item_id, attempts__gt=1).exists())
