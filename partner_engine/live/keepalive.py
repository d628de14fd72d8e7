"""Periodic work for open sockets: check their grants, refresh their viewers, send heartbeats and new releases.

The load is bounded: while there are sockets, twice a second a constant number of queries for all sockets of a process,
and one for each tenant with guests.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from typing import Final
from uuid import UUID

import structlog
from django.db import Error as DatabaseError
from redis.exceptions import RedisError

from partner_engine.live.grants import grants_in_force, guest_grants_in_force
from partner_engine.live.hub import TRY_AGAIN, Hub, hub_of_loop, in_thread
from partner_engine.live.progress_rooms import Watcher
from partner_engine.live.queries import current_releases, note_viewers_active
from partner_engine.live.rooms import Connection
from tenants.models import Tenant

#: Sockets without a valid grant are closed within a second.
CHECK_SECONDS: Final = 0.5
HEARTBEAT_SECONDS: Final = 20.0
#: How long sockets stay open while their grants cannot be checked, in seconds.
UNCHECKED_SECONDS: Final = 10.0
REVOKED: Final = 4401
#: A request makes the check of a company session (``company_sessions``); then the client may connect again.
CHECK_DUE: Final = 4419

log = structlog.get_logger(__name__)


def hub_with_keepalive() -> Hub:
    """Return the hub of this event loop; the first call starts its keepalive."""
    hub, is_new = hub_of_loop()
    if is_new:
        hub.run_in_background(_keep_alive(hub))
    return hub


async def _keep_alive(hub: Hub) -> None:
    checked = sent = time.monotonic()
    while True:
        await asyncio.sleep(CHECK_SECONDS)
        if not hub.rooms and not hub.progress_rooms:
            checked = sent = time.monotonic()
            continue
        try:
            await _check_rights(hub)
            checked = time.monotonic()
            await _check_releases(hub)
            if time.monotonic() - sent >= HEARTBEAT_SECONDS:
                sent = time.monotonic()
                await _send_heartbeats(hub)
            # Last: it fails without Redis, and the rest must still run.
            await _check_viewers(hub)
        except (RedisError, OSError, DatabaseError) as error:
            log.warning("sockets_unchecked", reason=type(error).__name__)
        if time.monotonic() - checked > UNCHECKED_SECONDS:
            for one in hub.everyone:
                one.mailbox.close(TRY_AGAIN, "your rights cannot be checked at the moment")


async def _check_rights(hub: Hub) -> None:
    """Close the sockets whose session, token or link is no longer valid, or whose session must be checked first."""
    connections = hub.everyone
    good = await in_thread(grants_in_force)(
        {connection.grant for connection in connections if not connection.grant.is_guest}
    )
    good |= await _guest_grants_in_force([connection for connection in connections if connection.grant.is_guest])
    ended = [connection for connection in connections if (connection.grant.kind, connection.grant.key) not in good]
    grants = {connection.grant for connection in ended if not connection.grant.is_guest}
    overdue = await in_thread(grants_in_force)(grants, with_overdue=True) if grants else set()
    for connection in ended:
        if (connection.grant.kind, connection.grant.key) in overdue:
            connection.mailbox.close(CHECK_DUE, "your session must be checked: make a request, then reconnect")
        else:
            log.info("socket_revoked", owner=connection.grant.owner)
            connection.mailbox.close(REVOKED, "you no longer have the right to view this")


async def _guest_grants_in_force(connections: list[Connection | Watcher]) -> set[tuple[str, str]]:
    """Return kind and key of the guests' grants that are still valid.

    Links are in the tenants' databases: if one is unavailable, only the sockets of its guests are closed.
    """
    by_tenant: dict[Tenant, list[Connection | Watcher]] = defaultdict(list)
    for connection in connections:
        by_tenant[connection.grant.tenant].append(connection)
    good: set[tuple[str, str]] = set()
    for tenant, of_tenant in by_tenant.items():
        try:
            good |= await in_thread(guest_grants_in_force)(tenant, [connection.grant for connection in of_tenant])
        except DatabaseError as error:
            log.warning("guests_unchecked", tenant=tenant.code, reason=type(error).__name__)
            for connection in of_tenant:
                connection.mailbox.close(TRY_AGAIN, "your rights cannot be checked at the moment")
    return good


async def _check_releases(hub: Hub) -> None:
    rooms = list(hub.rooms.values())
    in_force = await in_thread(current_releases)({(room.catalogue, room.tenant.id) for room in rooms})
    for room in rooms:
        room.announce_release(in_force[room.catalogue, room.tenant.id])


async def _check_viewers(hub: Hub) -> None:
    """Register the viewers again after Redis lost them; saves in the meantime were not published."""
    keys: dict[UUID, list[str]] = defaultdict(list)
    for room in hub.rooms.values():
        keys[room.tenant.id].append(room.key)
    # One command for each tenant, whose keys are in one slot: a command for each room took most of a check.
    async with hub.redis.pipeline(transaction=False) as pipeline:
        for of_tenant in keys.values():
            pipeline.exists(*of_tenant)
        found = await pipeline.execute()
    if sum(found) < sum(map(len, keys.values())):
        await hub.register_viewers()
        await hub.compare_versions()


async def _send_heartbeats(hub: Hub) -> None:
    """Send the version, as the database has it, and the viewers to all sockets."""
    await hub.compare_versions()
    await _register_if_possible(hub)
    in_view = {
        connection.grant.owner: connection.grant
        for connection in hub.connections
        if connection.is_in_view and not connection.mailbox.is_closed
    }
    await in_thread(note_viewers_active)(list(in_view.values()))
    for room in list(hub.rooms.values()):
        room.send_heartbeat(await hub.people(room))


async def _register_if_possible(hub: Hub) -> None:
    try:
        await hub.register_viewers()
    except (RedisError, OSError):
        log.warning("viewers_unregistered")
