"""Cut connections and a restarted Redis: afterwards every client is soon current again, without a gap."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import UUID

import pytest

from catalogue.models import Release
from house.servers import redis_program
from partner_engine.live.viewers import MAX_SOCKETS
from tenants.access import Actor, Role
from tenants.models import ApiClient, Tenant, User
from tests.harness.api_client import Api
from tests.harness.cut_line import Line, line_to
from tests.harness.edit_scripts import demo_catalogue
from tests.harness.sabotaged_sockets import application_with
from tests.harness.socket_client import in_thread, session_of, start
from tests.harness.socket_follower import Copybook, Follower, address_of
from tests.harness.tiers import PATIENCE, within
from tests.harness.web_servers import call, serve
from tests.partner_engine.live.test_hybrid_state import read

pytestmark = pytest.mark.django_db(transaction=True)

#: The answers that change in turn: an unnoticed gap leaves one of them outdated.
FIELDS = ("mqs_mail_city", "mqs_business_name", "mqs_mail_zip")
#: The seconds within which a reconnected client must have all saves.
BOUND = within(2.0)


#: The seconds without and with a disturbance, repeatedly.
Plan = tuple[tuple[float, float], ...]


class OwnRedis:
    """A Redis of this test alone, which keeps nothing over a restart."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as door:
            self.port = door.getsockname()[1]
        self.begin()

    def begin(self) -> None:
        command = [redis_program(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError("Redis did not start")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(PATIENCE)


@pytest.fixture
def own_redis() -> Iterator[OwnRedis]:
    redis = OwnRedis()
    yield redis
    redis.kill()


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A server on a Redis of its own, whose sockets hold ten frames each; agents and a program who know it."""

    tenant: Tenant
    actor: Actor
    redis: OwnRedis
    port: int
    cookies: list[str]
    token: str


@dataclass(frozen=True, kw_only=True)
class Ordeal:
    """The disturbances of a run."""

    sockets: int
    updates: int
    pause: float
    plan: Plan


@pytest.fixture
def scene(  # noqa: PLR0913 - the whole cast
    transactional_db: None, demo: Release, harbor: Tenant, actor: Actor, own_redis: OwnRedis, harbor_client: ApiClient
) -> Iterator[Scene]:
    people = [
        User.objects.create_user(f"{number}@harbor.example", "x", role=Role.AGENT, tenant=harbor) for number in range(3)
    ]
    cookies, token = [session_of(person) for person in people], Api(harbor_client).token
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "REDIS_URL", f"redis://127.0.0.1:{own_redis.port}/0")
        with serve(application=application_with("small_mailboxes")) as port:
            yield Scene(tenant=harbor, actor=actor, redis=own_redis, port=port, cookies=cookies, token=token)


class Writer:
    """Saves one answer after the other by the API; ``version`` is the last that was acknowledged."""

    def __init__(self, port: int, token: str, copy_id: UUID) -> None:
        self.version = 1
        self._call = (port, token, copy_id)

    async def write(self, updates: int, *, pause: float) -> None:
        port, token, copy_id = self._call
        for number in range(updates):
            field = FIELDS[number % len(FIELDS)]
            value = f"{10_000 + number}" if field.endswith("zip") else f"Text {number}"
            body = {"answers": {field: value}}
            answer = await asyncio.to_thread(call, port, "PATCH", f"/copies/{copy_id}/answers", token, body)
            assert answer.status == 200, answer.content
            self.version = answer.json()["version"]
            await asyncio.sleep(pause)


async def disturb(writer: Writer, followers: list[Follower], lines: list[Line], redis: OwnRedis, plan: Plan) -> None:
    """Cut the lines as ``plan`` says, and restart Redis in the middle; check each time that all are back soon."""
    for number, (wait, length) in enumerate(plan):
        await asyncio.sleep(wait)
        if number == len(plan) // 2:
            redis.kill()
            await asyncio.sleep(length)
            redis.begin()
            # The server listens again within its pause, the sockets never broke.
            await asyncio.sleep(0.5)
        else:
            for line in lines:
                line.cut()
            await asyncio.sleep(length)
            for line in lines:
                line.repair()
        due = writer.version
        for follower in followers:
            await follower.reach(due, seconds=BOUND)


async def go_through(scene: Scene, ordeal: Ordeal) -> None:
    copy_id = await in_thread(start, scene.tenant, scene.actor)
    async with AsyncExitStack() as held:
        lines = [held.enter_context(line_to(scene.port)) for _ in range(4)]
        followers = []
        for number in range(ordeal.sockets):
            address = address_of(lambda line=lines[number % 4]: line.port, copy_id)  # type: ignore[misc]
            book = Copybook(demo_catalogue())
            book = (await in_thread(read, scene.tenant, scene.actor, copy_id)) if number % 2 else book
            followers.append(Follower(address, scene.cookies[number // MAX_SOCKETS], book))
            held.push_async_callback(followers[-1].end)
        for follower in followers:
            await follower.connected()
        writer = Writer(scene.port, scene.token, copy_id)
        async with asyncio.TaskGroup() as group:
            group.create_task(writer.write(ordeal.updates, pause=ordeal.pause))
            group.create_task(disturb(writer, followers, lines, scene.redis, ordeal.plan))
        for follower in followers:
            await follower.reach(writer.version, seconds=BOUND)
        fresh = await in_thread(read, scene.tenant, scene.actor, copy_id)
        true = {path: fresh.answers[path] for path in FIELDS}
        assert fresh.version == ordeal.updates + 1
        for follower in followers:
            assert {path: follower.book.answers[path] for path in FIELDS} == true
        # The lines were cut: each client but those that only Redis touched has come back.
        assert min(follower.connections for follower in followers) >= 2


def test_a_few_clients(scene: Scene) -> None:
    plan = ((1.0, 1.0), (1.0, 1.0), (1.0, 0.5))
    asyncio.run(go_through(scene, Ordeal(sockets=10, updates=40, pause=0.1, plan=plan)))


@pytest.mark.slow
def test_fifty_clients(scene: Scene) -> None:
    plan = ((5.0, 2.0), (8.0, 2.0), (8.0, 2.0), (8.0, 2.0))
    asyncio.run(go_through(scene, Ordeal(sockets=50, updates=200, pause=0.2, plan=plan)))
