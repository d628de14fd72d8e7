"""The sweeps of moves between databases and of batch operations, and the events and retention of the latter."""

from __future__ import annotations

import threading

from django.conf import settings

from actions.maintenance import custom_purge, retention
from actions.sweeps import SWEEPS, Sweep, sweep
from operations.engine.events import EVENTS
from operations.engine.retention import old_items, old_operations
from operations.engine.worker import drain
from operations.erasure.form_purge import purge_deleted_forms, purge_outdated_forms
from tenants.moves.move import finish_switches
from webhooks.event_types import register_event_types

register_event_types([EVENTS])
retention("items of operations")(old_items)
retention("operations")(old_operations)
custom_purge("deleted forms")(purge_deleted_forms)
custom_purge("outdated forms")(purge_outdated_forms)


@sweep("tenant moves")
def finish_moves(alias: str) -> None:
    """Finish the switches of tenants from the database ``alias`` whose process was killed halfway."""
    finish_switches(alias)


def run_operations(alias: str, over: threading.Event) -> None:
    """Run the due items of batch operations in the database ``alias``. Raises ``DatabaseError``."""
    drain(alias, stop=None if over.is_set() else over)


# Each thread's lease is renewed by a thread with a connection of its own.
SWEEPS.register(
    Sweep(
        name="batch operations",
        work=run_operations,
        threads=settings.OPERATIONS.workers,
        connections=settings.OPERATIONS.workers,
    )
)
