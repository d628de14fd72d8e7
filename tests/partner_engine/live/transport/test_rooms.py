"""The order of frames at one copy is that of versions, whatever order they arrive in."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from partner_engine.live.frames import Person
from partner_engine.live.grants import Grant
from partner_engine.live.transport.rooms import Connection, Room
from tenants.access import Actor
from tenants.models import Tenant

TENANT = Tenant(id=UUID(int=1), code="harbor")
ACTOR = Actor(type="user", id="7", source="web")


class TrustingTable(Room):
    """A sabotaged one: hands on whatever arrives, as it arrives."""

    def _changed(self, version: int, *, frame: str, sender: str) -> None:
        self.latest = version
        for seat in self.seats.values():
            seat.send(frame, at=version)


class ForgetfulTable(Room):
    """A sabotaged one: does not compare a snapshot with what was told while it was taken."""

    def start(self, seat: Connection, *, version: int, release: int) -> None:
        seat.version, self.latest = version, version


def sit(table: Room) -> Connection:
    seat = Connection(
        Grant(kind="session", key="x", user_id="7", actor=ACTOR, tenant=TENANT),
        Person(socket=uuid4().hex, type="user", id="7", name="Ona"),
    )
    table.seats[seat.person.socket] = seat
    return seat


def changed(version: int, sender: str = "") -> dict[str, Any]:
    frame = json.dumps({"type": "changed", "version": version})
    return {"type": "copy.changed", "version": version, "sender": sender, "frame": frame}


def told(seat: Connection) -> list[tuple[str, int]]:
    async def take() -> list[tuple[str, int]]:
        found = []
        try:
            while True:
                frame = json.loads(await asyncio.wait_for(seat.mailbox.take(), 0.01))
                found.append((frame["type"], frame.get("version", 0)))
        except TimeoutError:
            return found

    return asyncio.run(take())


def run(kind: type[Room], versions: Sequence[int]) -> list[tuple[str, int]]:
    table = kind(tenant=TENANT, copy_id=UUID(int=2), catalogue="demo")
    seat = sit(table)
    table.start(seat, version=1, release=1)
    for version in versions:
        table.receive(changed(version))
    return told(seat)


@pytest.mark.parametrize(
    ("arriving", "expected"),
    [
        ([2, 3, 4], [("changed", 2), ("changed", 3), ("changed", 4)]),
        ([3, 2, 4], [("resync", 3), ("changed", 4)]),
        ([2, 2, 3], [("changed", 2), ("changed", 3)]),
        ([1, 0, 2], [("changed", 2)]),
        ([2, 5, 4, 3, 6], [("changed", 2), ("resync", 5), ("changed", 6)]),
    ],
)
def test_what_is_told(arriving: list[int], expected: list[tuple[str, int]]) -> None:
    assert run(Room, arriving) == expected
    if arriving != sorted(set(arriving)):
        assert run(TrustingTable, arriving) != expected


@pytest.mark.parametrize("kind", [Room, ForgetfulTable])
def test_what_was_saved_while_the_snapshot_was_taken_is_not_lost(kind: type[Room]) -> None:
    table = kind(tenant=TENANT, copy_id=UUID(int=2), catalogue="demo")
    seat = sit(table)
    table.receive(changed(5))
    table.start(seat, version=4, release=1)

    assert told(seat) == ([("resync", 5)] if kind is Room else [])


def test_a_snapshot_is_not_followed_by_what_it_holds() -> None:
    table = Room(tenant=TENANT, copy_id=UUID(int=2), catalogue="demo")
    first, second = sit(table), sit(table)
    table.start(first, version=4, release=1)
    table.start(second, version=6, release=1)
    for version in (5, 6, 7):
        table.receive(changed(version))

    assert told(first) == [("changed", 5), ("changed", 6), ("changed", 7)]
    assert told(second) == [("changed", 7)]


def test_the_database_knows_better() -> None:
    table = Room(tenant=TENANT, copy_id=UUID(int=2), catalogue="demo")
    seat = sit(table)
    table.start(seat, version=1, release=1)
    table.found(1)
    table.found(3)
    table.receive(changed(3))
    table.receive(changed(4))
    table.released(1)
    table.released(2)

    assert told(seat) == [("resync", 3), ("changed", 4), ("release", 0)]


def test_only_ones_own_changes_are_kept_from_a_socket() -> None:
    table = Room(tenant=TENANT, copy_id=UUID(int=2), catalogue="demo")
    seat = sit(table)
    table.start(seat, version=1, release=1)

    table.receive(changed(2, sender=f"{seat.grant.owner}/{seat.person.socket}"))
    table.receive(changed(3, sender=f"user:8/{seat.person.socket}"))

    assert told(seat) == [("changed", 3)]
