"""What is looked after while sockets are open: whether their rights hold, who is there, which release is in force.

Asking is bounded: a constant number of queries for all sockets of a process, and one for each tenant with guests there,
twice a second while there are any.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from typing import Final

import structlog
from django.db import Error as DatabaseError
from redis.exceptions import RedisError

from partner_engine.live.grants import guests_still_good, still_good
from partner_engine.live.queries import note_listeners, releases_in_force
from partner_engine.live.transport.hub import TRY_AGAIN, Hub, hub_here, in_thread
from partner_engine.live.transport.rooms import Connection
from tenants.models import Tenant

#: A right that ended closes its sockets within a second.
CHECK_SECONDS: Final = 0.5
BEAT_SECONDS: Final = 20.0
#: How long sockets stay open while rights cannot be asked for, in seconds.
UNCHECKED_SECONDS: Final = 10.0
REVOKED: Final = 4401

log = structlog.get_logger(__name__)


def hub_looked_after() -> Hub:
    """Return the hub of this event loop; the first call begins to look after it."""
    hub, is_new = hub_here()
    if is_new:
        hub.begin(_look_after(hub))
    return hub


async def _look_after(hub: Hub) -> None:
    checked = beaten = time.monotonic()
    while True:
        await asyncio.sleep(CHECK_SECONDS)
        if not hub.tables:
            checked = beaten = time.monotonic()
            continue
        try:
            await _check_rights(hub)
            checked = time.monotonic()
            await _check_releases(hub)
            if time.monotonic() - beaten >= BEAT_SECONDS:
                beaten = time.monotonic()
                await _beat(hub)
            # Last: without Redis it fails, and the rest has to go on.
            await _check_viewers(hub)
        except (RedisError, OSError, DatabaseError) as error:
            log.warning("sockets_unchecked", reason=type(error).__name__)
        if time.monotonic() - checked > UNCHECKED_SECONDS:
            for table in hub.tables.values():
                table.close(TRY_AGAIN, "rights cannot be checked now")


async def _check_rights(hub: Hub) -> None:
    """Close the sockets whose session, token or link is not good any more."""
    seats = hub.seats
    good = await in_thread(still_good)({seat.grant for seat in seats if not seat.grant.is_guest})
    good |= await _good_guests([seat for seat in seats if seat.grant.is_guest])
    for seat in seats:
        if (seat.grant.kind, seat.grant.key) not in good:
            log.info("socket_revoked", owner=seat.grant.owner)
            seat.mailbox.close(REVOKED, "your right to listen has ended")


async def _good_guests(seats: list[Connection]) -> set[tuple[str, str]]:
    """Return kind and key of the guests' grants that hold. Their links are in their tenants' databases: where one does
    not answer, its guests alone are sent away, to come again.
    """
    by_tenant: dict[Tenant, list[Connection]] = defaultdict(list)
    for seat in seats:
        by_tenant[seat.grant.tenant].append(seat)
    good: set[tuple[str, str]] = set()
    for tenant, theirs in by_tenant.items():
        try:
            good |= await in_thread(guests_still_good)(tenant, [seat.grant for seat in theirs])
        except DatabaseError as error:
            log.warning("guests_unchecked", tenant=tenant.code, reason=type(error).__name__)
            for seat in theirs:
                seat.mailbox.close(TRY_AGAIN, "rights cannot be checked now")
    return good


async def _check_releases(hub: Hub) -> None:
    tables = list(hub.tables.values())
    in_force = await in_thread(releases_in_force)({table.catalogue for table in tables})
    for table in tables:
        table.released(in_force[table.catalogue])


async def _check_viewers(hub: Hub) -> None:
    """Where Redis was emptied, say again who looks; saves meanwhile told nobody."""
    tables = list(hub.tables.values())
    async with hub.redis.pipeline(transaction=False) as pipeline:
        for table in tables:
            pipeline.exists(table.key)
        found = await pipeline.execute()
    if not all(found):
        await hub.register()
        await hub.compare()


async def _beat(hub: Hub) -> None:
    """Tell all sockets version and people; the database says which version it is."""
    await hub.compare()
    await _register_if_possible(hub)
    in_view = {seat.grant.owner: seat.grant for seat in hub.seats if seat.is_in_view and not seat.mailbox.is_closed}
    await in_thread(note_listeners)(list(in_view.values()))
    for table in list(hub.tables.values()):
        table.beat(await hub.people(table))


async def _register_if_possible(hub: Hub) -> None:
    try:
        await hub.register()
    except (RedisError, OSError):
        log.warning("viewers_unregistered")
