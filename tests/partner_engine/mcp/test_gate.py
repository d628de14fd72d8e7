"""Without the optional package ``/mcp`` says what to install, and everything else works."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from partner_engine.mcp.gate import AgentGate


def answer(path: str) -> tuple[int, bytes]:
    sent: list[dict[str, Any]] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "headers": []}
    asyncio.run(AgentGate(application, server=lambda: None)(scope, None, send))
    return sent[0]["status"], sent[1]["body"]


def test_without_the_package() -> None:
    status, content = answer("/mcp")

    assert status == 501
    assert json.loads(content)["type"] == "urn:partner-engine:problem:mcp_not_installed"
    assert "requirements-mcp.txt" in json.loads(content)["detail"]
    assert answer("/mcpx") == answer("/api/v1/me") == (204, b"")
