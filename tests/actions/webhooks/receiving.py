"""A partner's system as a program of its own: it keeps what it is sent, and answers as its address says.

``/status/<code>`` answers with that status, ``/slow/<seconds>`` after a while, everything else with 200. ``/received``
gives back what was sent, ``uvicorn tests.actions.webhooks.receiving:app`` starts it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from django.conf import settings

RECEIVED: list[dict[str, Any]] = []


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer one request."""
    if scope["type"] != "http":
        return
    if scope["method"] == "GET":
        await _answer(send, 200, json.dumps(RECEIVED).encode())
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    RECEIVED.append({"path": scope["path"], "headers": headers, "body": base64.b64encode(body).decode()})
    _, kind, *rest = scope["path"].split("/")
    if kind == "slow":
        await asyncio.sleep(float(rest[0]))
    await _answer(send, int(rest[0]) if kind == "status" else 200, b"thank you")


async def _answer(send: Any, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@dataclass(frozen=True)
class Got:
    """One request as it was received."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """The running program."""

    def __init__(self, port: int) -> None:
        self.port = port

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def received(self, path: str = "/hook") -> list[Got]:
        """Return what was sent to ``path``, in order."""
        with urlopen(self.url("/received"), timeout=5) as response:  # noqa: S310
            found = json.load(response)
        return [
            Got(each["path"], each["headers"], base64.b64decode(each["body"])) for each in found if each["path"] == path
        ]


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    """Start the program; end it afterwards."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "tests.actions.webhooks.receiving:app", "--port", str(port)]
    process = subprocess.Popen([*command, "--log-level", "error", "--lifespan", "off"], cwd=settings.BASE_DIR)
    try:
        receiver = Receiver(port)
        for _ in range(100):
            try:
                receiver.received()
                break
            except (URLError, OSError):
                time.sleep(0.1)
        yield receiver
    finally:
        process.terminate()
        process.wait(10)
