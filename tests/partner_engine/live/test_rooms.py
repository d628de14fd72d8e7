"""The frames of one copy are sent in the order of versions, for any order of arrival."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from partner_engine.live.frames import Person
from partner_engine.live.grants import Grant
from partner_engine.live.rooms import CROWD, Connection, Room
from tenants.access import Actor
from tenants.models import Tenant

TENANT = Tenant(id=UUID(int=1), code="harbor")
ACTOR = Actor(type="user", id="7", source="web")


class TrustingTable(Room):
    """A sabotaged one: hands on whatever arrives, as it arrives."""

    def _changed(self, version: int, *, frame: str, sender: str) -> None:
        self.latest = version
        for connection in self.connections.values():
            connection.send(frame, at=version)


class ForgetfulTable(Room):
    """A sabotaged one: does not compare a snapshot with the frames that were published meanwhile."""

    def start(self, connection: Connection, *, version: int, release: int) -> None:
        connection.version, self.latest = version, version


def join(room: Room) -> Connection:
    connection = Connection(
        Grant(kind="session", key="x", user_id="7", actor=ACTOR, tenant=TENANT),
        Person(socket=uuid4().hex, type="user", id="7", name="Ona"),
    )
    room.connections[connection.person.socket] = connection
    return connection


def changed(version: int, sender: str = "") -> dict[str, Any]:
    frame = json.dumps({"type": "changed", "version": version})
    return {"type": "copy.changed", "version": version, "sender": sender, "frame": frame}


def received(connection: Connection) -> list[tuple[str, int]]:
    async def take() -> list[tuple[str, int]]:
        found = []
        try:
            while True:
                frame = json.loads(await asyncio.wait_for(connection.mailbox.take(), 0.01))
                found.append((frame["type"], frame.get("version", 0)))
        except TimeoutError:
            return found

    return asyncio.run(take())


def run(kind: type[Room], versions: Sequence[int]) -> list[tuple[str, int]]:
    room = kind(tenant=TENANT, copy_id=UUID(int=2), form_id=UUID(int=1), catalogue="demo")
    connection = join(room)
    room.start(connection, version=1, release=1)
    for version in versions:
        room.receive(changed(version))
    return received(connection)


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
def test_frames_by_order_of_arrival(arriving: list[int], expected: list[tuple[str, int]]) -> None:
    assert run(Room, arriving) == expected
    if arriving != sorted(set(arriving)):
        assert run(TrustingTable, arriving) != expected


@pytest.mark.parametrize("kind", [Room, ForgetfulTable])
def test_a_save_during_the_snapshot_is_not_lost(kind: type[Room]) -> None:
    room = kind(tenant=TENANT, copy_id=UUID(int=2), form_id=UUID(int=1), catalogue="demo")
    connection = join(room)
    room.receive(changed(5))
    room.start(connection, version=4, release=1)

    assert received(connection) == ([("resync", 5)] if kind is Room else [])


def test_a_snapshot_is_not_followed_by_its_own_changes() -> None:
    room = Room(tenant=TENANT, copy_id=UUID(int=2), form_id=UUID(int=1), catalogue="demo")
    first, second = join(room), join(room)
    room.start(first, version=4, release=1)
    room.start(second, version=6, release=1)
    for version in (5, 6, 7):
        room.receive(changed(version))

    assert received(first) == [("changed", 5), ("changed", 6), ("changed", 7)]
    assert received(second) == [("changed", 7)]


def test_the_versions_of_the_database_win() -> None:
    room = Room(tenant=TENANT, copy_id=UUID(int=2), form_id=UUID(int=1), catalogue="demo")
    connection = join(room)
    room.start(connection, version=1, release=1)
    room.catch_up(1)
    room.catch_up(3)
    room.receive(changed(3))
    room.receive(changed(4))
    room.announce_release(1)
    room.announce_release(2)

    assert received(connection) == [("resync", 3), ("changed", 4), ("release", 0)]


def test_guests_and_the_sender_do_not_hear_of_other_copies() -> None:
    room = Room(tenant=TENANT, copy_id=UUID(int=2), form_id=UUID(int=1), catalogue="demo")
    viewer, sender, guest = join(room), join(room), join(room)
    guest.grant = Grant(kind="guest", key="x", user_id="", actor=ACTOR, tenant=TENANT)
    for connection in (viewer, sender, guest):
        room.start(connection, version=1, release=1)

    frame = json.dumps({"type": "copies", "copy": str(UUID(int=3))})
    room.receive({"type": "copy.sibling", "sender": sender.address, "frame": frame})

    assert [received(connection) for connection in (viewer, sender, guest)] == [[("copies", 0)], [], []]


def test_only_own_changes_are_not_echoed() -> None:
    room = Room(tenant=TENANT, copy_id=UUID(int=2), form_id=UUID(int=1), catalogue="demo")
    connection = join(room)
    room.start(connection, version=1, release=1)

    room.receive(changed(2, sender=f"{connection.grant.owner}/{connection.person.socket}"))
    room.receive(changed(3, sender=f"user:8/{connection.person.socket}"))

    assert received(connection) == [("changed", 3)]


@pytest.mark.parametrize("others", [CROWD - 1, CROWD])
def test_a_crowd_is_not_told_who_comes_and_goes(others: int) -> None:
    """Else a thousand viewers of one copy are a million frames, and lists of a thousand for each of them."""
    room = Room(tenant=TENANT, copy_id=UUID(int=2), form_id=UUID(int=1), catalogue="demo")
    everybody = [join(room) for _ in range(others + 1)]
    for connection in everybody:
        room.start(connection, version=1, release=1)
    people = [connection.person for connection in everybody]

    room.receive({"type": "copy.presence", "sender": everybody[0].person.socket, "frame": '{"type": "presence"}'})
    room.send_heartbeat(people)
    room.receive(changed(2))

    last = everybody[-1]
    frames = received(last)
    assert [kind for kind, _ in frames if kind == "presence"] == ["presence"] * (others < CROWD)
    assert [kind for kind, _ in frames if kind != "presence"] == ["heartbeat", "changed"]
    assert len(last.among(people)) == others + 1
    assert last.person in last.among(people)
    assert everybody[0].among(people) == people[:CROWD]


def test_a_heartbeat_names_as_many_as_fit() -> None:
    room = Room(tenant=TENANT, copy_id=UUID(int=2), form_id=UUID(int=1), catalogue="demo")
    connection = join(room)
    room.start(connection, version=1, release=1)

    room.send_heartbeat([Person(socket=str(number), type="user", id="7", name="Ona") for number in range(300)])

    frame = json.loads(asyncio.run(connection.mailbox.take()))
    assert len(frame["people"]) == CROWD
