"""The outermost layer: receives each request, records it, and spoils calls as the carrier's behavior says."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, Final, TypeAlias

from carriers.simulator.chance import fraction
from carriers.simulator.declarations import Fault
from carriers.simulator.memory import CarrierState, Memory, Received, now

Scope: TypeAlias = MutableMapping[str, Any]
Frame: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Frame]]
Send: TypeAlias = Callable[[Frame], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

LARGEST_BODY: Final = 2_000_000
LONGEST_HANG: Final = 300.0
_MINUTE: Final = 60.0
_ADDRESS: Final = re.compile(r"/([^/]+)(/.*)")
_OPERATIONS: Final = (
    ("POST", re.compile(r"/oauth/token"), "token"),
    ("POST", re.compile(r"/v1/quotes"), "submit"),
    ("GET", re.compile(r"/v1/quotes"), "find"),
    ("GET", re.compile(r"/v1/quotes/[^/]+"), "read"),
    ("POST", re.compile(r"/v1/quotes/[^/]+/withdraw"), "withdraw"),
    ("POST", re.compile(r"/v1/quotes/[^/]+/bind"), "bind"),
    ("GET", re.compile(r"/v1/quotes/[^/]+/binding"), "binding"),
    ("POST", re.compile(r"/v1/eligibility"), "eligibility"),
)
_LINGER_NOT: Final = struct.pack("ii", 1, 0)


class Faults:
    """The ASGI application around the simulator."""

    def __init__(self, application: Application, memory: Memory) -> None:
        self._application = application
        self._memory = memory

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, unless it is a call of a carrier's API: then record it and spoil it where planned."""
        carrier, path = _split(scope)
        state = self._memory.carriers.get(carrier)
        operation = _operation(scope, path)
        if state is None or operation is None:
            await self._application(scope, receive, send)
            return
        body = await _read(receive)
        if body is None:
            return
        call = _Call(self._application, scope, receive, send, body)
        token = call.token()
        state.counts[operation] += 1
        fault = self._planned(state, operation, token)
        result = await self._perform(call, fault)
        state.results[f"{operation} {result}"] += 1
        state.received.append(
            Received(
                at=now(),
                operation=operation,
                method=scope["method"],
                path=scope["path"],
                request_token=token,
                correlation_id=call.header(b"x-correlation-id"),
                body=call.shown_body(operation),
                result=result,
            )
        )

    def _planned(self, state: CarrierState, operation: str, token: str | None) -> Fault | None:
        """Return the fault of this call, or None."""
        for position, fault in enumerate(state.behavior.faults):
            if operation in fault.on:
                turn = state.fault_calls[position]
                state.fault_calls[position] += 1
                rounds, place = divmod(turn, fault.good + fault.bad)
                spoiled = rounds * fault.bad + max(0, place - fault.good)
                if place >= fault.good and (fault.times is None or spoiled < fault.times):
                    return fault
        return self._beyond_pace(state, operation) or self._failure(state, operation, token)

    def _beyond_pace(self, state: CarrierState, operation: str) -> Fault | None:
        """Return 429 when the calls of the last minute, shortened by the speed, are as many as the carrier allows."""
        allowed, second = state.behavior.per_minute, time.monotonic()
        if allowed is None or operation == "token":
            return None
        recent = state.recent_calls
        while recent and recent[0] <= second - self._memory.scaled(_MINUTE):
            recent.popleft()
        if len(recent) >= allowed:
            return Fault(kind="busy", retry_after=max(1, round(self._memory.scaled(_MINUTE / allowed))))
        recent.append(second)
        return None

    def _failure(self, state: CarrierState, operation: str, token: str | None) -> Fault | None:
        """Return the seeded failure of this attempt, or None: 503, 500, or a reset after the acceptance."""
        percent = state.behavior.fail_percent
        if not self._memory.has_failures or operation != "submit" or not percent:
            return None
        attempt = state.attempts[token or ""]
        state.attempts[token or ""] += 1
        names = (self._memory.seed, state.declared.code, token, attempt)
        if fraction("fails", *names) * 100 >= percent:
            return None
        kinds = (
            Fault(kind="error", status=503, retry_after=1),
            Fault(kind="error", status=500),
            Fault(kind="reset", stage="after"),
        )
        return kinds[int(fraction("kind", *names) * len(kinds))]

    async def _perform(self, call: _Call, fault: Fault | None) -> str:
        """Perform the call, with its fault before or after; return the status or the fault."""
        if fault is None:
            return await call.pass_on()
        if fault.kind == "slow":
            if fault.stage == "after":
                response = await call.perform_silently()
                await asyncio.sleep(fault.seconds)
                return await call.release(response)
            await asyncio.sleep(fault.seconds)
            return await call.pass_on()
        if fault.stage == "after" or fault.kind in ("malformed", "huge"):
            response = await call.perform_silently()
            if fault.kind == "malformed":
                await call.respond(200, b'{"reference": "', b"application/json")
            elif fault.kind == "huge":
                padding = b'{"padding": "' + b"x" * fault.size + b'"}'
                await call.respond(200, padding, b"application/json")
            del response
        match fault.kind:
            case "hang":
                await call.hang(fault.seconds)
            case "reset":
                await call.reset()
            case "error" | "busy":
                await call.refuse(429 if fault.kind == "busy" else fault.status, fault.retry_after)
        return fault.kind


class _Call:
    """One call with its whole body."""

    def __init__(self, application: Application, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        self._application = application
        self._scope = scope
        self._receive = receive
        self._send = send
        self._body = body
        self._is_read = False

    def header(self, name: bytes) -> str | None:
        """Return a header, or None."""
        return next((value.decode("latin-1") for key, value in self._scope["headers"] if key == name), None)

    def token(self) -> str | None:
        """Return the idempotency key, or None."""
        return self.header(b"idempotency-key")

    def shown_body(self, operation: str) -> Any:
        """Return the body for the list of received requests; never that of a sign-in."""
        if operation == "token" or not self._body:
            return None
        try:
            return json.loads(self._body)
        except ValueError:
            return self._body[:1_000].decode(errors="replace")

    async def pass_on(self) -> str:
        """Perform the call; return its status."""
        status = "no response"

        async def send(frame: Frame) -> None:
            nonlocal status
            if frame["type"] == "http.response.start":
                status = str(frame["status"])
            await self._send(frame)

        await self._application(self._scope, self._replay, send)
        return status

    async def perform_silently(self) -> list[Frame]:
        """Perform the call and return its response, of which the caller sees nothing yet."""
        frames: list[Frame] = []

        async def send(frame: Frame) -> None:
            frames.append(frame)

        await self._application(self._scope, self._replay, send)
        return frames

    async def release(self, frames: list[Frame]) -> str:
        """Send the response of ``perform_silently``; return its status."""
        for frame in frames:
            await self._send(frame)
        return str(frames[0]["status"])

    async def respond(self, status: int, body: bytes, kind: bytes, *headers: tuple[bytes, bytes]) -> None:
        """Send a response of our own."""
        described = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), *headers]
        await self._send({"type": "http.response.start", "status": status, "headers": described})
        await self._send({"type": "http.response.body", "body": body})

    async def refuse(self, status: int, retry_after: int | None) -> None:
        """Send a problem, with Retry-After where there is one."""
        title = "Too many requests." if status == 429 else "The carrier's system has failed."
        body = {"type": "about:blank", "title": title, "status": status, "code": "busy" if status == 429 else "failed"}
        pause = [(b"retry-after", str(retry_after).encode())] if retry_after is not None else []
        await self.respond(status, json.dumps(body).encode(), b"application/problem+json", *pause)

    async def hang(self, seconds: float) -> None:
        """Send nothing until the caller leaves, then close the connection."""
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, LONGEST_HANG)):
                while (await self._receive())["type"] != "http.disconnect":
                    pass
        await self.reset()

    async def reset(self) -> None:
        """Reset the connection: the caller gets no byte."""
        transport = getattr(getattr(self._send, "__self__", None), "transport", None)
        if transport is None or transport.is_closing():
            return
        opened: socket.socket | None = transport.get_extra_info("socket")
        if opened is not None:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        transport.abort()
        # The server must see the end of the connection before the call returns, or it reports a missing response.
        await asyncio.sleep(0)

    async def _replay(self) -> Frame:
        if self._is_read:
            return await self._receive()
        self._is_read = True
        return {"type": "http.request", "body": self._body, "more_body": False}


def _split(scope: Scope) -> tuple[str, str]:
    """Return the carrier's code and the path below it."""
    if scope["type"] != "http":
        return "", ""
    parts = _ADDRESS.fullmatch(scope["path"])
    return (parts[1], parts[2]) if parts else ("", "")


def _operation(scope: Scope, path: str) -> str | None:
    matches = (
        name for method, pattern, name in _OPERATIONS if method == scope.get("method") and pattern.fullmatch(path)
    )
    return next(matches, None)


async def _read(receive: Receive) -> bytes | None:
    """Return the whole body, cut at the limit, or None when the caller has left."""
    parts, size, more = [], 0, True
    while more:
        frame = await receive()
        if frame["type"] == "http.disconnect":
            return None
        size += len(frame.get("body", b""))
        if size <= LARGEST_BODY:
            parts.append(frame.get("body", b""))
        more = frame.get("more_body", False)
    return b"".join(parts)
