"""Requests of tools to the API of this process, so that both have the same checks, limits, errors and history."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from partner_engine.correlation import HEADER
from partner_engine.lent_clients import LentClient, lend
from partner_engine.mcp.callers import Caller
from tenants.access import Right

Message = MutableMapping[str, Any]
Application = Callable[[Any, Any, Any], Awaitable[None]]

SOURCE: Final = "mcp"
_API: Final = "/api/v1"
#: The headers of the outer request that the API needs: host, and the addresses that proxies saw.
_PASSED_ON: Final = frozenset({b"host", b"x-forwarded-for", b"x-forwarded-proto", b"user-agent"})
#: A problem lists this many allowed values; models pay for each word.
_MOST_ALLOWED: Final = 20


class ApiProblem(Exception):
    """The API refuses; ``problem`` says why, by the codes and paths of its own."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("detail", "")))
        self.problem = dict(problem)


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiCalls:
    """The API as one tool reaches it for one caller, with the ``rights`` of the tool and no others."""

    application: Application
    scope: Mapping[str, Any]
    caller: Caller
    correlation_id: str
    rights: frozenset[Right] = frozenset()

    async def get(self, path: str, **query: object) -> Any:
        """Return the JSON at ``path``; empty parameters (None, "") are left out. Raises ``ApiProblem``."""
        shown = {name.rstrip("_"): value for name, value in query.items() if value not in (None, "")}
        return await self._send("GET", path, query=urlencode(shown), headers={}, body=b"")

    async def write(
        self, method: str, path: str, body: object, *, key: str = "", version: int | None = None, dry_run: bool = False
    ) -> Any:
        """Send ``body``; return the JSON of the response. ``key`` is an ``Idempotency-Key``, ``version`` the one that
        the change is based on. Raises ``ApiProblem``.
        """
        headers = {"content-type": "application/json"}
        if key and not dry_run:
            headers["idempotency-key"] = key
        if version is not None:
            headers["if-match"] = f'"{version}"'
        query = "dry_run=true" if dry_run else ""
        return await self._send(method, path, query=query, headers=headers, body=msgspec.json.encode(body))

    async def _send(self, method: str, path: str, *, query: str, headers: dict[str, str], body: bytes) -> Any:
        address = _API + path
        scope = {
            **{name: self.scope[name] for name in ("type", "asgi", "http_version", "scheme", "client", "server")},
            "method": method,
            "path": address,
            "raw_path": address.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": self._headers(headers, body),
        }
        lend(scope, self._lent())
        response = _Response(body)
        await self.application(scope, response.receive, response.send)
        content = msgspec.json.decode(response.content) if response.content else {}
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise ApiProblem(_brief(content, response))
        return content

    def _lent(self) -> LentClient:
        """Return the caller with the rights of the tool, and that to personal answers if the token has it."""
        rights = self.rights | (self.caller.actor.rights & {Right.READ_PERSONAL})
        return LentClient(client=self.caller.client, actor=replace(self.caller.actor, rights=rights, source=SOURCE))

    def _headers(self, own: Mapping[str, str], body: bytes) -> list[tuple[bytes, bytes]]:
        passed = [(name, value) for name, value in self.scope["headers"] if name.lower() in _PASSED_ON]
        added = {**own, HEADER.lower(): self.correlation_id, "accept": "application/json"}
        if body:
            added["content-length"] = str(len(body))
        return [*passed, *((name.encode(), value.encode("latin-1", "replace")) for name, value in added.items())]


class _Response:
    """Both ends of one request inside of this process."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self._parts: list[bytes] = []
        self.status = 0
        self.headers: dict[str, str] = {}

    @property
    def content(self) -> bytes:
        """Return the body of the response."""
        return b"".join(self._parts)

    async def receive(self) -> Message:
        """Return the body of the request, then wait: the caller does not disconnect."""
        if self._body is None:
            await asyncio.Event().wait()
        body, self._body = self._body or b"", None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        """Take a part of the response."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in message["headers"]
            }
        else:
            self._parts.append(message.get("body", b""))


def _brief(problem: Mapping[str, Any], response: _Response) -> dict[str, Any]:
    """Return what a model needs of a problem: code, sentence, and each fault with its place."""
    told: dict[str, Any] = {
        "status": response.status,
        "code": str(problem.get("type", "")).rpartition(":")[2],
        "detail": problem.get("detail", ""),
        "correlation_id": problem.get("correlation_id", ""),
    }
    faults = [{name: value for name, value in fault.items() if value != ""} for fault in problem.get("errors", ())]
    for fault in faults:
        if len(fault.get("allowed", ())) > _MOST_ALLOWED:
            fault["allowed"] = [*fault["allowed"][:_MOST_ALLOWED], "..."]
    if faults:
        told["errors"] = faults
    told |= {name: problem[name] for name in ("more_errors", "holder", "lock", "existing") if name in problem}
    if "retry-after" in response.headers:
        told["retry_after"] = int(response.headers["retry-after"])
    return told
