"""The effects of a save after its commit: live updates are published, the relay is woken. None of them fails a save.

The publisher is registered from above when the product starts. A live update is a hint: it may be lost, and a viewer
that missed one asks for the changes since the version that it knows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import structlog

from actions.lanes import wake_lanes
from actions.wakeup import wake_relay
from batch.changes.records import PlannedSave
from batch.locks.locked_copy import pass_hint_sent
from failpoints import failpoint
from redis_locks.shared_trip import SharedTrip, using
from tenants.models import Tenant
from tracing import traced

#: Carries saves to the viewers of their copies.
Publisher: TypeAlias = Callable[[Sequence[PlannedSave]], None]

log = structlog.get_logger(__name__)
_registered: Final[list[Publisher]] = []


class PublisherRegistered(Exception):
    """Only one publisher can be registered."""

    def __init__(self) -> None:
        super().__init__("A publisher of live updates is registered already; a product has one.")


def register_publisher(publisher: Publisher) -> None:
    """Publish all saves through ``publisher``. Raises ``PublisherRegistered`` where there is another one."""
    if _registered and _registered[0] is not publisher:
        raise PublisherRegistered
    _registered[:] = [publisher]


@traced("save.effects")
def after_commit(saves: Sequence[PlannedSave], *, scope: Tenant, trip: SharedTrip | None = None) -> None:
    """Publish ``saves`` and wake the relay for their actions; call it once they are committed. With a ``trip`` both are
    left to the round trip that frees the lock.
    """
    failpoint("hint_sending")
    with using(trip):
        publish([save for save in saves if save.result.written])
        kinds = {action.kind for save in saves for action in save.result.actions}
        if kinds:
            wake_relay(scope.database_alias)
            wake_lanes(kinds, alias=scope.database_alias)
    if trip is None:
        pass_hint_sent()


def publish(saves: Sequence[PlannedSave]) -> None:
    """Publish committed ``saves``; a fault is logged and never raised. Call it outside of any transaction."""
    try:
        for publisher in _registered if saves else ():
            publisher(saves)
    except Exception:
        # The save is in the database: an error now would say the opposite.
        log.exception("publishing_failed", copies=len(saves))
