"""Rooms: the connections of this process to one copy, and the version that each of them has received.

Frames are ordered by the copy's version, never by arrival: older ones are dropped, and after a missing version a resync
is requested.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Final, Literal
from uuid import UUID

from partner_engine.live.frames import Heartbeat, Person, Released, Resync, for_guests, without_identity, write
from partner_engine.live.grants import Grant
from partner_engine.live.transport.mailbox import Mailbox
from partner_engine.live.transport.redis_channels import address
from partner_engine.live.viewers import Place, group_of, key_of
from tenants.models import Tenant

TOO_SLOW: Final = 4408
#: The most viewers that are named to each other: with more of them, telling all about all takes a server's whole time.
CROWD: Final = 100


@lru_cache(maxsize=256)
def _overflow_frame(version: int) -> str:
    """Return what a full queue is replaced by: one text for all connections that a frame is sent to."""
    return write(Resync(version=version, reason="overflow"))


@dataclass
class Connection:
    """One socket. ``version`` is the latest that it has received; None before its snapshot.

    ``is_in_view`` is the last report of its page; programs send none, and count as active while they are connected.
    """

    grant: Grant
    person: Person
    mailbox: Mailbox = field(default_factory=Mailbox)
    version: int | None = None
    is_in_view: bool = True

    @cached_property
    def address(self) -> str:
        """Return the socket with its owner, as the sender of a save is named. Neither of them ever changes."""
        return f"{self.grant.owner}/{self.person.socket}"

    def send(self, frame: str, *, at: int) -> None:
        """Queue ``frame``; ``at`` is the version to resync to if the queue is full."""
        if not self.mailbox.put(frame, resync=_overflow_frame(at)):
            self.mailbox.close(TOO_SLOW, "frames must be read faster or requested less often")

    def among(self, people: list[Person]) -> list[Person]:
        """Return the first ``CROWD`` of ``people``, and its own viewer in any case."""
        first = people[:CROWD]
        if any(person.socket == self.person.socket for person in first):
            return first
        return [*first, *(person for person in people[CROWD:] if person.socket == self.person.socket)]

    def visible(self, people: list[Person]) -> list[Person]:
        """Return ``people`` as this connection may see them: guests see only the names of others."""
        if not self.grant.is_guest:
            return people
        return [person if person.id == self.person.id else without_identity(person) for person in people]

    def request_resync(self, version: int, *, reason: Literal["gap", "interrupted"]) -> None:
        """Request a resync to ``version`` unless the connection has received it."""
        if self.version is not None and self.version < version:
            self.version = version
            self.send(write(Resync(version=version, reason=reason)), at=version)


class Room:
    """The connections of this process to one copy."""

    def __init__(self, *, tenant: Tenant, copy_id: UUID, form_id: UUID, catalogue: str) -> None:
        self.tenant = tenant
        self.copy_id = copy_id
        self.place = Place(tenant.id, form_id, copy_id)
        self.catalogue = catalogue
        self.address = address(group_of(tenant.id, copy_id))
        self.key = key_of(tenant.id, copy_id)
        self.connections: dict[str, Connection] = {}
        #: The latest version that was published or loaded; 0 before the first snapshot.
        self.latest = 0
        #: The viewers in all processes, at the last heartbeat.
        self._viewers = 0
        #: The release that was last sent; 0 before that.
        self.release = 0

    @property
    def is_crowded(self) -> bool:
        """Return whether so many are here that only heartbeats say who is."""
        return max(len(self.connections), self._viewers) > CROWD

    def start(self, connection: Connection, *, version: int, release: int) -> None:
        """Start sending to ``connection`` what follows its snapshot at ``version``, including saves meanwhile."""
        connection.version = version
        self.release = self.release or release
        self.latest = max(self.latest, version)
        connection.request_resync(self.latest, reason="gap")

    def receive(self, message: dict[str, Any]) -> None:
        """Deliver a message that was published to the copy: ``copy.changed``, ``copy.presence`` or ``copy.sibling``."""
        if message["type"] == "copy.changed":
            self._changed(message["version"], frame=message["frame"], sender=message["sender"])
        elif message["type"] == "copy.presence" and not self.is_crowded:
            others = [
                connection for connection in self._ready_connections() if connection.person.socket != message["sender"]
            ]
            self._send_to(others, message["frame"])
        elif message["type"] == "copy.sibling":
            # Guests must not learn about the form's other copies.
            for connection in self._ready_connections():
                if not connection.grant.is_guest and connection.address != message["sender"]:
                    connection.send(message["frame"], at=self.latest)

    def catch_up(self, version: int, *, reason: Literal["gap", "interrupted"] = "interrupted") -> None:
        """Request a resync from every connection that has not received ``version``, the database's current one."""
        self.latest = max(self.latest, version)
        for connection in self._ready_connections():
            connection.request_resync(version, reason=reason)

    def send_heartbeat(self, people: list[Person]) -> None:
        """Send the version and the first ``CROWD`` viewers to every connection."""
        self._viewers = len(people)
        people = people[:CROWD]
        frame = write(Heartbeat(version=self.latest, release=self.release, people=people))
        for connection in self._ready_connections():
            if connection.grant.is_guest:
                reduced = Heartbeat(version=self.latest, release=self.release, people=connection.visible(people))
                connection.send(write(reduced), at=self.latest)
            else:
                connection.send(frame, at=self.latest)

    def announce_release(self, release: int) -> None:
        """Send the current release to every connection if it changed."""
        if release != self.release:
            self.release = release
            frame = write(Released(release=release))
            for connection in self._ready_connections():
                connection.send(frame, at=self.latest)

    def close(self, code: int, reason: str) -> None:
        """Close all connections to the copy."""
        for connection in self.connections.values():
            connection.mailbox.close(code, reason)

    def _changed(self, version: int, *, frame: str, sender: str) -> None:
        self.latest = max(self.latest, version)
        receivers = []
        for connection in self._ready_connections():
            if connection.version is None or connection.version + 1 != version:
                connection.request_resync(version, reason="gap")
                continue
            connection.version = version
            if connection.address != sender:
                receivers.append(connection)
        self._send_to(receivers, frame)

    def _send_to(self, connections: list[Connection], frame: str) -> None:
        """Send ``frame`` to ``connections``, reduced for the guests among them."""
        reduced = for_guests(frame) if any(connection.grant.is_guest for connection in connections) else ""
        for connection in connections:
            connection.send(reduced if connection.grant.is_guest else frame, at=self.latest)

    def _ready_connections(self) -> list[Connection]:
        return [connection for connection in self.connections.values() if connection.version is not None]
