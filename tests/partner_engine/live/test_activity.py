"""A user with a visible page counts as active, also without requests; so does a listening program."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID

import pytest

from partner_engine import active_users
from partner_engine.active_users import API_CLIENT, count_active
from partner_engine.live.frames import Person
from partner_engine.live.grants import Grant, session_grant
from partner_engine.live.hub import hub_of_loop
from partner_engine.live.keepalive import HEARTBEAT_SECONDS, _send_heartbeats
from partner_engine.live.queries import note_viewers_active
from partner_engine.live.rooms import Connection, Room
from tenants.access import Role
from tenants.models import ApiClient, Tenant, User
from tests.harness.api_client import Api
from tests.harness.socket_client import listening, session_of, ticket_of

pytestmark = pytest.mark.django_db(transaction=True)

AGENT = Role.AGENT.value


def test_listeners_are_recorded_in_one_query(
    harbor: Tenant,
    harbor_client: ApiClient,
    owner: User,
    member: User,
    django_assert_num_queries: Callable[[int], object],
) -> None:
    grants = [session_grant(session_of(user)) for user in (owner, member, owner)]
    program = harbor_client.as_actor(scopes=["forms:read"])
    grants.append(Grant(kind="token", key="1", user_id="", actor=program, tenant=harbor))

    with django_assert_num_queries(1):  # type: ignore[attr-defined]
        note_viewers_active(grants)

    assert count_active([harbor.id]) == {harbor.id: {AGENT: 2, API_CLIENT: 1}}


@pytest.mark.parametrize("why_not", ["hidden", "shut out"])
def test_inactive_and_unauthorized_viewers_are_not_recorded(
    copy_id: UUID, harbor: Tenant, owner: User, member: User, why_not: str
) -> None:
    grants = {user: session_grant(session_of(user)) for user in (owner, member)}

    async def beat() -> None:
        hub, _ = hub_of_loop()
        room = hub.rooms["here"] = Room(tenant=harbor, copy_id=copy_id, form_id=copy_id, catalogue="demo")
        for user, grant in grants.items():
            person = Person(socket=user.email, type="user", id=str(user.pk), name=user.email)
            room.connections[person.socket] = Connection(grant, person)
        if why_not == "hidden":
            room.connections[member.email].is_in_view = False
        else:
            room.connections[member.email].mailbox.close(4401, "your right to listen has ended")
        await _send_heartbeats(hub)

    asyncio.run(beat())

    assert count_active([harbor.id]) == {harbor.id: {AGENT: 1}}


@pytest.mark.slow
def test_the_heartbeat_records_them(
    port: int, copy_id: UUID, harbor: Tenant, api: Api, owner: User, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_view, hidden, ticket = session_of(owner), session_of(member), ticket_of(api)
    # The server is a separate process, whose keys are not separated by test process.
    monkeypatch.setattr(active_users, "_prefix", lambda: "partner_engine.default:active")

    async def listen() -> None:
        async with (
            listening(port, copy_id, cookie=in_view) as page,
            listening(port, copy_id, cookie=hidden) as other,
            listening(port, copy_id, ticket=ticket),
        ):
            await other.say(type="view", visible=False)
            assert await asyncio.to_thread(count_active, [harbor.id]) == {}
            await page.gets("heartbeat", seconds=HEARTBEAT_SECONDS + 5)
            assert await asyncio.to_thread(count_active, [harbor.id]) == {harbor.id: {AGENT: 1, API_CLIENT: 1}}

    asyncio.run(listen())
