"""The sockets of batch operations: the state first, then each change, in order, and nothing of other tenants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from websockets.asyncio.client import connect

from operations.engine.pace import Pace
from operations.engine.worker import drain
from operations.models import BatchOperation
from operations.submission.control import cancel
from operations.submission.order import NewOperation
from operations.submission.submit import submit
from tenants.access import Actor
from tenants.models import ApiClient, Tenant, User
from tests.harness.api_client import NOBODY, Api
from tests.harness.socket_client import Listener, in_thread, refused, session_of, start, ticket_of

pytestmark = pytest.mark.django_db(transaction=True)

OWN = "/ws/batch_operations/"


@pytest.fixture
def copies(port: int, harbor: Tenant, actor: Actor) -> list[UUID]:
    """Return six copies."""
    return [start(harbor, actor) for _ in range(6)]


@pytest.fixture
def operation(copies: list[UUID], harbor: Tenant, actor: Actor) -> BatchOperation:
    """Return an operation of the owner over the copies that has not begun."""
    return submitted(copies, harbor, actor)


def submitted(copies: list[UUID], tenant: Tenant, actor: Actor) -> BatchOperation:
    items = [{"id": str(copy_id), "answers": {"mqs_mail_city": "Austin"}} for copy_id in copies]
    return submit(NewOperation(kind="set_answers", items=items, title="Cities"), tenant=tenant, actor=actor).operation


def work() -> None:
    """Work on what is due in chunks of one item, so that there are several announcements."""
    drain("default", pace=Pace(seconds=0.0))


@asynccontextmanager
async def following(port: int, path: str, *, cookie: str = "", ticket: str = "") -> AsyncIterator[Listener]:
    """Open a socket at ``path``; without a first frame."""
    url = f"ws://127.0.0.1:{port}{path}{'?ticket=' + ticket if ticket else ''}"
    origin = f"http://127.0.0.1:{port}" if cookie else None
    headers = {"Cookie": f"sessionid={cookie}"} if cookie else {}
    async with connect(url, origin=origin, additional_headers=headers, proxy=None) as connection:
        listener = Listener(connection)
        try:
            yield listener
        finally:
            await listener.leave()


def ended(listener: Listener, operation: BatchOperation) -> Any:
    return listener.gets("progress", operation=str(operation.id), percentage=100.0)


def test_the_progress_of_an_operation_arrives_in_order(
    port: int, operation: BatchOperation, owner: User, member: User, api: Api
) -> None:
    path = f"{OWN}{operation.id}/"
    cookie, ticket, own = session_of(member), ticket_of(api), session_of(owner)

    async def listen() -> None:
        async with (
            following(port, path, cookie=cookie) as page,
            following(port, path, ticket=ticket) as program,
            following(port, OWN, cookie=own) as channel,
        ):
            for listener in (page, program, channel):
                first = await listener.gets("progress", operation=str(operation.id))
                assert (first["state"], first["percentage"], first["counts"]["queued"]) == ("pending", 0.0, 6)
                assert (first["kind"], first["title"], first["stage"]) == ("set_answers", "Cities", "Waiting to start")
            await in_thread(work)
            for listener in (page, program, channel):
                last = await ended(listener, operation)
                assert (last["state"], last["counts"]["completed"], last["seconds_left"]) == ("completed", 6, None)
                percentages = [frame["percentage"] for frame in listener.of("progress")]
                assert percentages == sorted(percentages)
        # A client that comes back has the present state at once.
        async with following(port, path, cookie=cookie) as again:
            assert (await ended(again, operation))["state"] == "completed"

    asyncio.run(listen())


def test_nobody_else_hears_of_it(
    port: int,
    operation: BatchOperation,
    harbor: Tenant,
    actor: Actor,
    summit_client: ApiClient,
    sessions: dict[str, str],
    member: User,
) -> None:
    path, foreign = f"{OWN}{operation.id}/", ticket_of(Api(summit_client))
    colleague = session_of(member)

    async def listen() -> None:
        for credentials in ({"cookie": sessions["stranger"]}, {"ticket": foreign}):
            assert await refused(port, NOBODY, path=path, **credentials) == 404
        assert await refused(port, NOBODY, path=path, cookie=sessions["staff"]) == 403
        assert await refused(port, NOBODY, path=path) == 401
        assert await refused(port, NOBODY, path=f"{OWN}{NOBODY}/", cookie=sessions["owner"]) == 404
        async with (
            following(port, OWN, cookie=sessions["stranger"]) as stranger,
            following(port, OWN, cookie=colleague) as other,
            following(port, OWN, cookie=sessions["owner"]) as own,
        ):
            await own.gets("progress", operation=str(operation.id))
            await in_thread(cancel, operation.id, tenant=harbor, actor=actor)
            assert (await ended(own, operation))["state"] == "cancelled"
            assert stranger.frames == other.frames == []

    asyncio.run(listen())


def test_a_new_operation_appears_on_its_owners_channel(
    port: int, copies: list[UUID], harbor: Tenant, actor: Actor, sessions: dict[str, str]
) -> None:
    async def listen() -> None:
        async with following(port, OWN, cookie=sessions["owner"]) as own:
            operation = await in_thread(submitted, copies, harbor, actor)
            await in_thread(work)
            assert (await ended(own, operation))["counts"]["completed"] == 6

    asyncio.run(listen())


def test_a_socket_ends_with_the_right_to_it(port: int, operation: BatchOperation, owner: User) -> None:
    cookie = session_of(owner)

    async def listen() -> None:
        async with following(port, f"{OWN}{operation.id}/", cookie=cookie) as page:
            await page.gets("progress")
            await in_thread(lambda: User.objects.filter(pk=owner.pk).update(is_active=False))
            assert await page.ends() == 4401

    asyncio.run(listen())
