"""Two tenants' requests, interleaved, through the whole product under ASGI: each gets the response of its caller."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator

from partner_engine.request_threads import RequestHandler
from tenants.models import ApiClient, Tenant
from tests.harness.api_client import Api

REQUESTS = 200
AT_ONCE = 8


async def get(application: Any, path: str, token: str) -> tuple[int, bytes]:
    """Send one request to the ASGI application; return status and body of its response."""
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"authorization", f"Bearer {token}".encode())],
    }
    caller = ApplicationCommunicator(application, scope)
    await caller.send_input({"type": "http.request", "body": b""})
    begun = await caller.receive_output(timeout=60)
    body = await caller.receive_output(timeout=60)
    await caller.wait(timeout=60)
    return begun["status"], body["body"]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_interleaved_requests_of_two_tenants(
    harbor: Tenant, summit: Tenant, harbor_client: ApiClient, summit_client: ApiClient
) -> None:
    tokens = {harbor.code: Api(harbor_client).token, summit.code: Api(summit_client).token}
    application, places, answers = RequestHandler(), asyncio.Semaphore(AT_ONCE), []

    async def ask(code: str) -> None:
        async with places:
            answers.append((code, *await get(application, "/api/v1/me", tokens[code])))

    async def all_at_once() -> None:
        await asyncio.gather(*(ask(code) for code in (harbor.code, summit.code) * REQUESTS))

    asyncio.run(all_at_once())

    told = [(code, status, json.loads(body)["tenant"]["code"]) for code, status, body in answers]
    assert sorted(told) == sorted([(code, 200, code) for code in (harbor.code, summit.code)] * REQUESTS)
