"""One request, four hops: its correlation id is in every line and message that it causes, in whatever process."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from catalogue.models import Release
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import ApiClient, Tenant, User
from tests.harness.api_client import Api
from tests.harness.socket_client import listening, session_of, start
from tests.harness.web_servers import call, program, serve
from tests.harness.webhook_receiver import running_receiver
from webhooks import endpoints

RELAY = [sys.executable, "manage.py", "relay", "--every", "0.2"]
GIVEN = "one-request-four-hops"


def lines_of(log: Path, *parts: str) -> list[str]:
    """Return the lines that contain all ``parts``, as soon as there are any."""
    return until(
        lambda: [line for line in log.read_text(encoding="utf-8").splitlines() if all(p in line for p in parts)]
    )


def until(look: Callable[[], list[Any]]) -> list[Any]:
    """Return the result of ``look`` as soon as there is one; an empty one after a while."""
    deadline = time.monotonic() + 60
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


async def heard(port: int, copy_id: UUID, cookie: str, token: str) -> dict[str, object]:
    """Save over HTTP while a page is connected; return the frame that it gets."""
    async with listening(port, copy_id, cookie=cookie) as page:
        body = {"answers": {"mqs_mail_city": "Austin"}}
        answer = await asyncio.to_thread(
            call, port, "PATCH", f"/copies/{copy_id}/answers", token, body, X_Correlation_ID=GIVEN
        )
        assert (answer.status, answer.headers["x-correlation-id"]) == (200, GIVEN)
        return await page.gets("changed", version=2)


@pytest.mark.django_db(transaction=True)
def test_the_id_reaches_the_relay_the_webhook_and_the_socket(  # noqa: PLR0913 - fixtures
    demo: Release,
    harbor: Tenant,
    owner: User,
    member: User,
    harbor_client: ApiClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
) -> None:
    monkeypatch.setenv("WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8")
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    actor: Actor = owner.as_actor(source="web")
    token = Api(harbor_client).token
    copy_id = start(harbor, actor)
    web, relay = tmp_path / "web.log", tmp_path / "relay.log"

    with running_receiver() as receiver, serve(log=web) as port:
        with use_tenant(harbor):
            endpoints.add(receiver.url(), tenant=harbor, actor=actor, event_types=["answers.changed"])
        frame = asyncio.run(heard(port, copy_id, session_of(member), token))
        with program(RELAY, log=relay):
            webhooks = until(lambda: [got for got in receiver.received() if GIVEN in got.headers.values()])
            actions = lines_of(relay, "action_done", "publish_webhook", GIVEN)
        requests = lines_of(web, "] request ", f"/copies/{copy_id}/answers", GIVEN)

    assert frame["correlation_id"] == GIVEN
    assert len(requests) == 1
    assert actions
    assert [got.headers["x-correlation-id"] for got in webhooks] == [GIVEN]
