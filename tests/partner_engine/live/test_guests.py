"""Guests on the socket of their copy: the frames they receive, and the end of frames with the end of their link."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from types import SimpleNamespace
from uuid import UUID

import pytest
from django.db import DatabaseError

from batch import service as batch
from partner_engine.live import keepalive
from partner_engine.live.frames import Person
from partner_engine.live.grants import Grant, guest_grant, guest_grants_in_force
from partner_engine.live.hub import TRY_AGAIN
from partner_engine.live.rooms import Connection
from tenants.access import Actor
from tenants.models import Tenant, User
from tests.harness.api_client import Api
from tests.harness.guests import guest_of, let_expire, revoke
from tests.harness.socket_client import in_thread, listening, refused, save, session_of, start, ticket_of
from tests.harness.tiers import within

pytestmark = pytest.mark.django_db(transaction=True)

REVOKED = 4401


def session(tenant: Tenant, copy_id: UUID, name: str = "") -> tuple[str, UUID]:
    """Return the session of a new guest, and its link's id."""
    client, link_id = guest_of(tenant, copy_id, name=name)
    return client.cookies["guest_socket"].value, link_id


def test_a_guest_learns_of_a_save_without_its_content(
    port: int, harbor: Tenant, actor: Actor, copy_id: UUID, owner: User
) -> None:
    secret, _ = session(harbor, copy_id, "Gus")
    agents = session_of(owner)

    async def listen() -> None:
        async with (
            listening(port, copy_id, cookie=agents) as agent,
            listening(port, copy_id, guest=secret) as guest,
        ):
            version = guest.frames[0]["version"]
            await in_thread(save, harbor, actor, copy_id, {"mqs_mail_city": "Austin", "mqs_lobs": ["bop"]})
            told = await guest.gets("changed", version=version + 1)
            heard = await agent.gets("changed", version=version + 1)

        assert told["by"] == {"type": "user", "id": "", "name": "Ona Owner"}
        assert {name: told[name] for name in ("changes", "eligibility", "needed", "messages", "correlation_id")} == {
            "changes": None,
            "eligibility": None,
            "needed": None,
            "messages": None,
            "correlation_id": "",
        }
        assert heard["changes"] and heard["eligibility"]

    asyncio.run(listen())


def test_a_guest_sees_only_the_names_of_people(
    port: int, harbor: Tenant, copy_id: UUID, owner: User, member: User
) -> None:
    secret, link_id = session(harbor, copy_id, "Gus")
    agents, members = session_of(owner), session_of(member)

    async def listen() -> None:
        async with (
            listening(port, copy_id, cookie=agents) as agent,
            listening(port, copy_id, guest=secret) as guest,
        ):
            joined = await agent.gets("presence", event="joined")
            assert joined["person"] == {
                "socket": guest.socket,
                "type": "guest",
                "id": str(link_id),
                "name": "Gus (guest)",
                "path": None,
            }
            await agent.say(type="focus", path="mqs_mail_city")
            moved = await guest.gets("presence", event="focus")
            async with listening(port, copy_id, cookie=members) as other:
                await guest.gets("presence", event="joined")
                sockets = {agent.socket, other.socket}

            people = guest.frames[0]["people"]
            assert [(person["id"], person["name"], person["path"]) for person in people] == [
                (str(link_id), "Gus (guest)", None),
                ("", "Ona Owner", None),
            ]
            assert (moved["person"]["id"], moved["person"]["name"], moved["person"]["path"]) == ("", "Ona Owner", None)
            # With the id of a socket, another viewer could suppress its updates.
            assert not any(socket in str(guest.frames) for socket in sockets)
            assert str(owner.pk) not in str(guest.frames)

    asyncio.run(listen())


def test_a_guest_loads_changes_by_the_page_not_the_socket(port: int, harbor: Tenant, copy_id: UUID) -> None:
    secret, _ = session(harbor, copy_id)

    async def listen() -> None:
        async with listening(port, copy_id, guest=secret) as guest:
            await guest.say(type="since", version=1)
            assert (await guest.gets("error"))["code"] == "not_for_guests"
            assert guest.of("changes") == []
            assert guest.closed is None

    asyncio.run(listen())


def end_by_agent(tenant: Tenant, copy_id: UUID, link_id: UUID) -> None:
    revoke(tenant, copy_id, link_id)


def end_by_time(tenant: Tenant, copy_id: UUID, link_id: UUID) -> None:
    let_expire(tenant, link_id)


@pytest.mark.parametrize("end", [end_by_agent, end_by_time])
def test_the_end_of_a_link_closes_its_sockets_within_a_second(
    port: int, harbor: Tenant, actor: Actor, copy_id: UUID, owner: User, end: Callable[..., None]
) -> None:
    ended, link_id = session(harbor, copy_id)
    kept, _ = session(harbor, copy_id)
    agents = session_of(owner)

    async def listen() -> None:
        async with (
            listening(port, copy_id, guest=ended) as guest,
            listening(port, copy_id, guest=ended) as second,
            listening(port, copy_id, guest=kept) as other,
            listening(port, copy_id, cookie=agents) as agent,
        ):
            await in_thread(end, harbor, copy_id, link_id)
            at = time.monotonic()
            assert [await guest.ends(), await second.ends()] == [REVOKED, REVOKED]
            assert time.monotonic() - at < within(5)
            await agent.gets("presence", event="left")
            heard = len(guest.frames)
            await in_thread(save, harbor, actor, copy_id, {"mqs_mail_city": "Austin"})
            await asyncio.sleep(0.3)
            assert len(guest.frames) == heard
            assert (other.closed, agent.closed) == (None, None)
        assert await refused(port, copy_id, guest=ended) == 401

    asyncio.run(listen())


@pytest.mark.parametrize(("asks_again", "closed"), [(True, REVOKED), (False, None)], ids=["asked again", "sabotaged"])
def test_the_repeated_check_closes_them(
    asks_again: bool, closed: int | None, harbor: Tenant, copy_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, link_id = session(harbor, copy_id)
    connection = connection_of(guest_grant(copy_id, secret))
    revoke(harbor, copy_id, link_id)
    if not asks_again:
        monkeypatch.setattr(
            keepalive, "guest_grants_in_force", lambda tenant, grants: {(grant.kind, grant.key) for grant in grants}
        )

    asyncio.run(keepalive._check_rights(SimpleNamespace(everyone=[connection])))  # type: ignore[arg-type]

    assert code_of(connection) == closed


def test_other_callers_are_refused(
    port: int, harbor: Tenant, summit: Tenant, stranger: User, actor: Actor, copy_id: UUID, owner: User, api: Api
) -> None:
    other, foreign = start(harbor, actor), start(summit, stranger.as_actor(source="web"))
    secret, _ = session(harbor, copy_id)
    of_another_form, of_another_tenant = session(harbor, other)[0], session(summit, foreign)[0]
    own, agents = f"http://127.0.0.1:{port}", session_of(owner)

    async def ask() -> None:
        for guest in (of_another_form, of_another_tenant, "guess", agents):
            assert await refused(port, copy_id, guest=guest) == 401
        # A page of another user, and a program, send the cookie too.
        assert await refused(port, copy_id, guest=secret, origin="https://evil.example") == 403
        assert await refused(port, copy_id, guest=secret, origin=None) == 401
        # An agent is admitted only by an agent's session.
        assert await refused(port, copy_id, cookie=secret) == 401
        assert await refused(port, other, guest=secret) == 401
        path = f"/ws/copies/{copy_id}/"
        assert await refused(port, copy_id, guest="", path=f"{path}?as=guest", origin=own) == 401

    asyncio.run(ask())
    assert ticket_of(api)


def test_guests_of_a_tenant_are_checked_together(
    harbor: Tenant, copy_id: UUID, django_assert_num_queries: Callable[[int], object]
) -> None:
    grants = [guest_grant(copy_id, session(harbor, copy_id)[0]) for _ in range(3)]

    with django_assert_num_queries(1):  # type: ignore[attr-defined]
        assert len(guest_grants_in_force(harbor, grants)) == 3


def test_guests_of_an_unreachable_database_alone_reconnect(
    harbor: Tenant, summit: Tenant, actor: Actor, copy_id: UUID, stranger: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = start(summit, stranger.as_actor(source="web"))
    connections = [
        connection_of(guest_grant(identity, session(tenant, identity)[0]))
        for tenant, identity in ((harbor, copy_id), (summit, foreign))
    ]

    def away(tenant: Tenant, grants: list[Grant]) -> set[tuple[str, str]]:
        if tenant == harbor:
            raise DatabaseError
        return {(grant.kind, grant.key) for grant in grants}

    monkeypatch.setattr(keepalive, "guest_grants_in_force", away)

    good = asyncio.run(keepalive._guest_grants_in_force(connections))

    assert good == {("guest", connections[1].grant.key)}
    assert [code_of(connection) for connection in connections] == [TRY_AGAIN, None]


def connection_of(grant: Grant) -> Connection:
    return Connection(grant, Person(socket="0", type="guest", id=grant.actor.id, name=grant.actor.label))


def code_of(connection: Connection) -> int | None:
    closed = connection.mailbox._closed
    return closed.code if closed else None


def test_a_deleted_copy_closes_for_its_guests_too(port: int, harbor: Tenant, actor: Actor, owner: User) -> None:
    form = start(harbor, actor)
    with batch.build_copy(form, scope=harbor, actor=actor) as context:
        context.changeset.copy.make_base()
        context.save()
    secret, _ = session(harbor, form)

    def delete() -> None:
        with batch.find_and_lock(form, scope=harbor, actor=actor) as context:
            context.changeset.copy.delete()
            context.save()

    async def ask() -> None:
        await in_thread(delete)
        assert await refused(port, form, guest=secret) == 404

    asyncio.run(ask())
