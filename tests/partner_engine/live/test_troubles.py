"""Sockets with a failing database, and sockets whose owner's rights change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from asgiref.testing import ApplicationCommunicator
from django.db import OperationalError

from partner_engine.live import copies
from partner_engine.live.hub import hub_of_loop
from partner_engine.live.routing import SOCKETS
from tenants.access import Role
from tenants.models import ApiClient, Tenant, User
from tests.harness.api_client import Api
from tests.harness.socket_client import in_thread, listening, session_of, ticket_of
from tests.harness.tiers import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)

TRY_AGAIN = 1013
REVOKED = 4401


def fail(*arguments: Any, **named: Any) -> None:
    raise OperationalError("the server closed the connection unexpectedly")


@pytest.mark.parametrize("when", ["asked for changes", "taking the snapshot"])
def test_a_socket_with_a_failing_database_is_closed_and_leaves_the_roster(
    copy_id: UUID, owner: User, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    cookie = f"sessionid={session_of(owner)}".encode()
    headers = [(b"host", b"localhost"), (b"origin", b"http://localhost"), (b"cookie", cookie)]
    once = iter([copies.load_copy_facts])

    async def listen() -> None:
        scope = {"type": "websocket", "path": f"/ws/copies/{copy_id}/", "query_string": b"", "headers": headers}
        socket = ApplicationCommunicator(SOCKETS, scope)
        if when == "taking the snapshot":
            monkeypatch.setattr(copies, "load_copy_facts", lambda *given: next(once, fail)(*given))
        monkeypatch.setattr(copies, "changes_frame", fail)
        await socket.send_input({"type": "websocket.connect"})
        assert (await socket.receive_output(PATIENCE))["type"] == "websocket.accept"
        hub, _ = hub_of_loop()
        if when == "asked for changes":
            assert '"snapshot"' in (await socket.receive_output(PATIENCE))["text"]
            assert len(hub.connections) == 1
            await socket.send_input({"type": "websocket.receive", "text": '{"type": "since", "version": 0}'})

        while (told := await socket.receive_output(PATIENCE))["type"] != "websocket.close":
            pass
        assert told["code"] == TRY_AGAIN

        await socket.send_input({"type": "websocket.disconnect", "code": TRY_AGAIN})
        await socket.wait(PATIENCE)
        assert hub.connections == []

    asyncio.run(listen())


def demote(user: User, summit: Tenant) -> None:
    User.objects.filter(pk=user.pk).update(role=Role.AGENT)


def move(user: User, summit: Tenant) -> None:
    User.objects.filter(pk=user.pk).update(tenant=summit)


@pytest.mark.parametrize("change", [demote, move])
def test_a_socket_does_not_keep_rights_that_its_owner_lost(
    port: int, copy_id: UUID, owner: User, summit: Tenant, change: Callable[[User, Tenant], None]
) -> None:
    User.objects.filter(pk=owner.pk).update(role=Role.TENANT_ADMIN)
    session = session_of(User.objects.get(pk=owner.pk))

    async def listen() -> None:
        async with listening(port, copy_id, cookie=session) as page:
            await in_thread(change, owner, summit)
            assert await page.ends() == REVOKED

    asyncio.run(listen())


def test_a_programs_socket_does_not_keep_rights_that_its_client_lost(
    port: int, copy_id: UUID, api: Api, harbor_client: ApiClient, summit: Tenant
) -> None:
    async def listen() -> None:
        async with listening(port, copy_id, ticket=await in_thread(ticket_of, api)) as program:
            await in_thread(ApiClient.objects.filter(pk=harbor_client.pk).update, tenant=summit)
            assert await program.ends() == REVOKED

    asyncio.run(listen())
