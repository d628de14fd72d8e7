"""The limits of one client: slow readers, large and many frames, many sockets; idle sockets stay open."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from uuid import UUID

import pytest
from django_redis import get_redis_connection
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from partner_engine.live.frames import MAX_BYTES, Heartbeat, Person, write
from partner_engine.live.transport.mailbox import CAPACITY, MAX_OVERFLOWS, Closed, Mailbox
from partner_engine.live.transport.redis_channels import address, encode
from partner_engine.live.viewers import MAX_SOCKETS, group_of
from tenants.access import Actor
from tenants.models import ApiClient, Tenant, User
from tests.harness.api_client import Api
from tests.harness.socket_client import in_thread, listening, refused, save, session_of, start, ticket_of
from tests.harness.tiers import PATIENCE, amount, within

pytestmark = pytest.mark.django_db(transaction=True)


def narrow(port: int) -> socket.socket:
    """Return a connection that holds little: what is sent to a reader who does not read soon stays with the sender."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
    made.connect(("127.0.0.1", port))
    return made


def test_a_mailbox_is_bounded_and_closes_after_the_third_overflow() -> None:
    async def fill() -> None:
        mailbox, kept = Mailbox(), []
        for number in range(CAPACITY):
            assert mailbox.put(str(number), resync="resync")
        assert mailbox.put("one too many", resync="resync 1")
        kept.append(await mailbox.take())
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(mailbox.take(), 0.01)
        results = [mailbox.put("again", resync="resync") for _ in range((CAPACITY + 1) * MAX_OVERFLOWS)]

        assert kept == ["resync 1"]
        assert results.count(False) >= 1
        mailbox.close(4408, "too slow")
        with pytest.raises(Closed):
            await mailbox.take()

    asyncio.run(fill())


def test_a_reader_that_stops_delays_no_other_and_is_closed(
    port: int, harbor: Tenant, copy_id: UUID, member: User, api: Api
) -> None:
    session, ticket = session_of(member), ticket_of(api)
    redis, where = get_redis_connection("default"), address(group_of(harbor.id, copy_id))

    def publish(version: int) -> None:
        # Large enough to fill the buffers of the network soon.
        frame = json.dumps({"type": "changed", "version": version, "filling": "x" * 60_000})
        redis.publish(where, encode({"type": "copy.changed", "version": version, "sender": "", "frame": frame}))

    async def listen() -> None:
        url = f"ws://127.0.0.1:{port}/ws/copies/{copy_id}/?ticket={ticket}"
        async with (
            listening(port, copy_id, cookie=session) as page,
            connect(url, proxy=None, sock=narrow(port), compression=None, max_queue=1, ping_interval=None) as stuck,
        ):
            await page.gets("presence", event="joined")
            last = 2 + 500
            for version in range(2, last + 1):
                publish(version)
                if version % 20 == 0:
                    at = time.monotonic()
                    await page.gets("changed", version=version)
                    assert time.monotonic() - at < within(5)
            await page.gets("changed", version=last)
            assert len(page.of("changed")) == last - 1
            got = []
            with pytest.raises(ConnectionClosed):
                while True:
                    got.append(json.loads(await asyncio.wait_for(stuck.recv(), PATIENCE)))
            assert stuck.close_code == 4408
            # The frames before the first dropped one are complete and in order.
            versions = [frame["version"] for frame in got if frame["type"] == "changed"]
            assert versions == sorted(versions)
            assert len(versions) < last - 1
            await page.gets("presence", event="left")

    asyncio.run(listen())


def test_a_frame_that_is_too_large_ends_the_socket(port: int, copy_id: UUID, owner: User) -> None:
    session = session_of(owner)

    async def listen() -> None:
        for text in ("x" * (MAX_BYTES + 1), "é" * (MAX_BYTES // 2 + 1)):
            async with listening(port, copy_id, cookie=session) as page:
                await page.connection.send(text)
                assert await page.ends() == 1009

    asyncio.run(listen())


def test_many_frames_are_answered_with_a_refusal(port: int, copy_id: UUID, owner: User) -> None:
    session = session_of(owner)

    async def listen() -> None:
        async with listening(port, copy_id, cookie=session) as page:
            # Fewer at once than close the socket; a slow machine may need several times.
            while not page.of("error"):
                for number in range(80):
                    await page.say(type="focus", path=f"mqs_{number}")
                await asyncio.sleep(1)
            assert page.of("error")[0]["code"] == "too_many_frames"
            await asyncio.sleep(1.2)
            await page.say(type="since", version=0)
            await page.gets("changes")

    asyncio.run(listen())


def test_a_client_that_keeps_sending_is_closed(port: int, copy_id: UUID, owner: User) -> None:
    session = session_of(owner)

    async def listen() -> None:
        async with listening(port, copy_id, cookie=session) as page:
            sent = 0
            with contextlib.suppress(ConnectionClosed):
                while page.closed is None:
                    for _ in range(1_000):
                        await page.say(type="focus", path=None)
                    sent += 1_000
                    await asyncio.sleep(1)
            assert await page.ends() == 4429
            # Counted anew after each second, of which a slow machine may need several.
            assert len(page.of("error")) <= amount(sent, full=100)

    asyncio.run(listen())


def test_the_sockets_of_one_person_are_limited(port: int, copy_id: UUID, owner: User, member: User) -> None:
    session, other = session_of(owner), session_of(member)

    async def listen() -> None:
        async with contextlib.AsyncExitStack() as held:
            for _ in range(MAX_SOCKETS):
                await held.enter_async_context(listening(port, copy_id, cookie=session))
            assert await refused(port, copy_id, cookie=session) == 429
            async with listening(port, copy_id, cookie=other):
                pass
        await asyncio.sleep(0.3)
        async with listening(port, copy_id, cookie=session):
            pass

    asyncio.run(listen())


@pytest.mark.parametrize("seconds", [2, pytest.param(60, marks=pytest.mark.slow)])
def test_an_idle_socket_stays_open(
    port: int, harbor: Tenant, actor: Actor, copy_id: UUID, owner: User, seconds: int
) -> None:
    session = session_of(owner)

    async def listen() -> None:
        async with listening(port, copy_id, cookie=session) as page:
            await asyncio.sleep(seconds)
            assert page.closed is None
            if seconds >= 60:
                assert len(page.of("heartbeat")) >= 2
                assert page.of("heartbeat")[0]["version"] == 1
            await in_thread(save, harbor, actor, copy_id, {"mqs_mail_city": "Austin"})
            await page.gets("changed", version=2, seconds=within(2))

    asyncio.run(listen())


def test_tenants_and_copies_receive_only_their_own(
    port: int, harbor: Tenant, summit: Tenant, actor: Actor, stranger: User, summit_client: ApiClient, copy_id: UUID
) -> None:
    theirs = start(summit, stranger.as_actor(source="web"))
    mine, other = start(harbor, actor), ticket_of(Api(summit_client))
    session = session_of(User.objects.get(pk=actor.id))

    async def listen() -> None:
        async with (
            listening(port, copy_id, cookie=session) as here,
            listening(port, mine, cookie=session) as beside,
            listening(port, theirs, ticket=other) as abroad,
        ):
            for tenant, who, where in ((harbor, actor, mine), (summit, stranger.as_actor(source="web"), theirs)):
                await in_thread(save, tenant, who, where, {"mqs_mail_city": "Austin"})
            await beside.gets("changed", version=2)
            await abroad.gets("changed", version=2)
            await in_thread(save, harbor, actor, copy_id, {"mqs_mail_city": "Dallas"})
            await here.gets("changed", version=2)
            assert [len(listener.of("changed")) for listener in (here, beside, abroad)] == [1, 1, 1]
            assert {person["name"] for person in abroad.frames[0]["people"]} == {"Summit"}

    asyncio.run(listen())


def test_frames_are_small() -> None:
    person = Person(socket="0" * 32, type="user", id="0" * 36, name="Ona Owner", path="mqs_mail_city")

    assert len(write(Heartbeat(version=1, release=1, people=[person] * 20))) < 4_096
