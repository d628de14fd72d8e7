"""A client on a copy's socket: connects as pages and programs do, and stores all received frames."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, ClassVar
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import connections
from django.test import Client
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from batch import service as batch
from batch.changes.records import SaveResult
from catalogue.demo import Sample
from tenants.access import Actor
from tenants.models import Tenant, User
from tests.harness.api_client import Api
from tests.harness.tiers import PATIENCE

Frame = dict[str, Any]


class Listener:
    """One open socket. ``frames`` are all received ones, in order."""

    #: The seconds that are waited for a frame.
    patience: ClassVar = PATIENCE

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.frames: list[Frame] = []
        self.closed: int | None = None
        self._arrived = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for text in self.connection:
                self.frames.append(json.loads(text))
                self._arrived.set()
        except ConnectionClosed:
            pass
        self.closed = self.connection.close_code
        self._arrived.set()

    @property
    def socket(self) -> str:
        return self.frames[0]["socket"]

    def of(self, kind: str) -> list[Frame]:
        return [frame for frame in self.frames if frame["type"] == kind]

    async def until(self, is_there: Callable[[Frame], bool], *, seconds: float | None = None) -> Frame:
        """Return the first frame, also of those received before, for which ``is_there`` holds."""
        seen = 0
        async with asyncio.timeout(seconds or self.patience):
            while True:
                for frame in self.frames[seen:]:
                    if is_there(frame):
                        return frame
                seen = len(self.frames)
                assert self.closed is None, f"closed with {self.closed} after {self.frames[-3:]}"
                self._arrived.clear()
                await self._arrived.wait()

    async def gets(self, kind: str, *, seconds: float | None = None, **fields: Any) -> Frame:
        """Return the first frame of this kind with these fields."""
        return await self.until(
            lambda frame: frame["type"] == kind and all(frame.get(name) == value for name, value in fields.items()),
            seconds=seconds,
        )

    async def ends(self, *, seconds: float | None = None) -> int | None:
        """Wait until the server closes; return its code."""
        async with asyncio.timeout(seconds or self.patience):
            while self.closed is None:
                self._arrived.clear()
                await self._arrived.wait()
        return self.closed

    async def say(self, **frame: Any) -> None:
        await self.connection.send(json.dumps(frame))

    async def leave(self) -> None:
        await self.connection.close()
        self._reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reader


@asynccontextmanager
async def listening(
    port: int,
    copy_id: object,
    *,
    cookie: str = "",
    ticket: str = "",
    guest: str = "",
    origin: str | None = "",
    path: str = "",
) -> AsyncIterator[Listener]:
    """Open a socket; by ``cookie`` (a session's key) or ``guest`` (a guest's session) as a page of the server does, by
    ``ticket`` as a program.
    """
    address = path or f"/ws/copies/{copy_id}/"
    if origin == "":
        origin = f"http://127.0.0.1:{port}" if cookie or guest else None
    query = f"?ticket={ticket}" if ticket else "?as=guest" if guest else ""
    url = f"ws://127.0.0.1:{port}{address}{query}"
    cookies = {"sessionid": cookie, "guest_socket": guest}
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items() if value)}
    async with connect(url, origin=origin, additional_headers=headers, proxy=None, max_size=None) as connection:
        listener = Listener(connection)
        try:
            await listener.gets("snapshot")
            yield listener
        finally:
            await listener.leave()


async def refused(port: int, copy_id: object, **how: Any) -> int:
    """Return the status of a refused handshake, or the close code of an accepted one that was closed."""
    try:
        async with listening(port, copy_id, **how) as listener:
            raise AssertionError(f"let in: {listener.frames}")
    except InvalidStatus as error:
        return error.response.status_code


def session_of(user: User) -> str:
    """Return the key of a new session of ``user``."""
    client = Client()
    client.force_login(user, backend="tenants.backends.EmailBackend")
    return client.session.session_key or ""


def ticket_of(api: Api) -> str:
    """Return a new ticket."""
    response = api.post("/tickets")
    assert response.status_code == 201, response.content
    return json.loads(response.content)["ticket"]


def start(tenant: Tenant, actor: Actor, sample: Sample | None = None) -> UUID:
    """Make a form of ``sample``, or an empty one; return its copy's id."""
    with batch.build_context(scope=tenant, actor=actor, as_of=sample.as_of if sample else None) as context:
        if sample is not None:
            context.changeset.apply_answers(sample.answers, sample.answer_pools)
        context.save()
        return context.copy.id


def save(tenant: Tenant, actor: Actor, copy_id: UUID, answers: dict[str, Any]) -> SaveResult:
    """Save answers as another process does."""
    with batch.find_and_lock(copy_id, scope=tenant, actor=actor) as context:
        context.changeset.apply_answers(answers)
        return context.save()


def in_thread(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Run database work in a thread next to the event loop; its connections end with it."""

    def work() -> Any:
        try:
            return function(*arguments, **named)
        finally:
            connections.close_all()

    return sync_to_async(work, thread_sensitive=False)()
