"""A partner's system as a separate program: it stores the received requests, and responds as its address names.

``/status/<code>`` responds with that status, ``/slow/<seconds>`` after a while, everything else with 200. ``/received``
returns the received requests, ``uvicorn tests.harness.webhook_receiver:app`` starts it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import signal
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
        if message["type"] == "http.disconnect":
            return  # the sender died while it sent
        body, more = body + message.get("body", b""), message.get("more_body", False)
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    told = {"path": scope["path"], "headers": headers, "body": base64.b64encode(body).decode(), "at": time.time()}
    RECEIVED.append(told)
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
    """One request as it was received, ``at`` that second since 1970."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float


class Receiver:
    """The running program."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.port = port
        self._process = process

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def received(self, path: str = "/hook") -> list[Got]:
        """Return the requests to ``path``, in order."""
        with urlopen(self.url("/received"), timeout=30) as response:  # noqa: S310
            found = json.load(response)
        return [
            Got(each["path"], each["headers"], base64.b64decode(each["body"]), each["at"])
            for each in found
            if each["path"] == path
        ]

    def stop(self) -> None:
        """Stop it by a signal: it accepts connections and never responds, until the test ends it."""
        self._process.send_signal(signal.SIGSTOP)


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    """Start the program; end it afterwards."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "tests.harness.webhook_receiver:app", "--port", str(port)]
    process = subprocess.Popen([*command, "--log-level", "error", "--lifespan", "off"], cwd=settings.BASE_DIR)
    try:
        receiver = Receiver(port, process)
        for _ in range(600):
            try:
                receiver.received()
                break
            except (URLError, OSError):
                time.sleep(0.1)
        yield receiver
    finally:
        process.terminate()
        process.send_signal(signal.SIGCONT)
        process.wait(60)
