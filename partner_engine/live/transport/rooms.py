"""The sockets of this process at one copy: who sits there, and which version each of them knows of.

Order is by the copy's version alone, never by arrival: what is older than the latest told is dropped, and where a
version is missing everybody is told to ask.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal
from uuid import UUID

from partner_engine.live.frames import Heartbeat, Person, Released, Resync, by_name, for_guests, write
from partner_engine.live.grants import Grant
from partner_engine.live.transport.channel_layer import address
from partner_engine.live.transport.mailbox import Mailbox
from partner_engine.live.transport.viewers import group_of, key_of
from tenants.models import Tenant

TOO_SLOW: Final = 4408


@dataclass
class Connection:
    """One socket. ``version`` is the latest that it was told of; None as long as it has no snapshot.

    ``is_in_view`` is what its page last said; programs say nothing and are at work as long as they listen.
    """

    grant: Grant
    person: Person
    mailbox: Mailbox = field(default_factory=Mailbox)
    version: int | None = None
    is_in_view: bool = True

    def send(self, frame: str, *, at: int) -> None:
        """Let ``frame`` wait to be sent; ``at`` is the version to ask for where there is no room for it."""
        if not self.mailbox.put(frame, resync=write(Resync(version=at, reason="overflow"))):
            self.mailbox.close(TOO_SLOW, "read faster, or ask less often")

    def known(self, people: list[Person]) -> list[Person]:
        """Return ``people`` as they are told on this socket: to guests all others by their names alone."""
        if not self.grant.is_guest:
            return people
        return [person if person.id == self.person.id else by_name(person) for person in people]

    def must_ask(self, version: int, *, reason: Literal["gap", "interrupted"]) -> None:
        """Tell it to ask for the changes up to ``version``, unless it was told of that already."""
        if self.version is not None and self.version < version:
            self.version = version
            self.send(write(Resync(version=version, reason=reason)), at=version)


class Room:
    """All seats at one copy."""

    def __init__(self, *, tenant: Tenant, copy_id: UUID, catalogue: str) -> None:
        self.tenant = tenant
        self.copy_id = copy_id
        self.catalogue = catalogue
        self.address = address(group_of(tenant.id, copy_id))
        self.key = key_of(tenant.id, copy_id)
        self.seats: dict[str, Connection] = {}
        #: The latest version that was told or found; 0 before the first snapshot.
        self.latest = 0
        #: The release in force as last told; 0 before that.
        self.release = 0

    def start(self, seat: Connection, *, version: int, release: int) -> None:
        """Let ``seat`` hear what is later than its snapshot at ``version``, also what was told while it was taken."""
        seat.version = version
        self.release = self.release or release
        self.latest = max(self.latest, version)
        seat.must_ask(self.latest, reason="gap")

    def receive(self, message: dict[str, Any]) -> None:
        """Hand on what was published to the copy's group: ``copy.changed`` or ``copy.presence``."""
        if message["type"] == "copy.changed":
            self._changed(message["version"], frame=message["frame"], sender=message["sender"])
        elif message["type"] == "copy.presence":
            others = [seat for seat in self._started() if seat.person.socket != message["sender"]]
            self._hand_on(others, message["frame"])

    def found(self, version: int, *, reason: Literal["gap", "interrupted"] = "interrupted") -> None:
        """Take ``version`` as the database's: where it is later than what was told, everybody is to ask."""
        self.latest = max(self.latest, version)
        for seat in self._started():
            seat.must_ask(version, reason=reason)

    def beat(self, people: list[Person]) -> None:
        """Tell everybody the version and who is there."""
        frame = write(Heartbeat(version=self.latest, release=self.release, people=people))
        for seat in self._started():
            if seat.grant.is_guest:
                known = Heartbeat(version=self.latest, release=self.release, people=seat.known(people))
                seat.send(write(known), at=self.latest)
            else:
                seat.send(frame, at=self.latest)

    def released(self, release: int) -> None:
        """Tell everybody of the release in force where it is another one than before."""
        if release != self.release:
            self.release = release
            frame = write(Released(release=release))
            for seat in self._started():
                seat.send(frame, at=self.latest)

    def close(self, code: int, reason: str) -> None:
        """Close all sockets at the copy."""
        for seat in self.seats.values():
            seat.mailbox.close(code, reason)

    def _changed(self, version: int, *, frame: str, sender: str) -> None:
        self.latest = max(self.latest, version)
        hearing = []
        for seat in self._started():
            if seat.version is None or seat.version + 1 != version:
                seat.must_ask(version, reason="gap")
                continue
            seat.version = version
            if f"{seat.grant.owner}/{seat.person.socket}" != sender:
                hearing.append(seat)
        self._hand_on(hearing, frame)

    def _hand_on(self, seats: list[Connection], frame: str) -> None:
        """Send ``frame`` to ``seats``; to guests among them what guests may know of it, made once for all."""
        told = for_guests(frame) if any(seat.grant.is_guest for seat in seats) else ""
        for seat in seats:
            seat.send(told if seat.grant.is_guest else frame, at=self.latest)

    def _started(self) -> list[Connection]:
        return [seat for seat in self.seats.values() if seat.version is not None]
