"""A separate web server process on the tests' database, and callers over sockets."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connections

from tests.harness.tiers import PATIENCE

ROOT = Path(__file__).resolve().parents[2]


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


@contextmanager
def serve(
    processes: int = 1,
    *,
    application: str = "partner_engine.asgi:application",
    log: Path | None = None,
    is_demo: bool = False,
) -> Iterator[int]:
    """Run the application under uvicorn, also by several processes, which partner_engine.web_server refuses; yield its
    port. With ``log`` it writes its output there. A demo is what `make run` starts: Django does not record its
    statements.
    """
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", application, "--port", str(port)]
    # A busy machine may keep a process from running for longer than the five seconds after which it would be replaced.
    command += ["--workers", str(processes), "--timeout-worker-healthcheck", "120", "--log-level", "warning"]
    with program(command, log=log, more={"DEMO": "1"} if is_demo else {}) as server:
        wait_for(port, server)
        yield port


@contextmanager
def program(
    command: list[str], *, log: Path | None = None, more: Mapping[str, str] = MappingProxyType({})
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program of the product on the tests' database, with ``more`` environment variables; with ``log`` it writes
    its output there.
    """
    with ExitStack() as files:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": database_url(), "LOG_LEVEL": "INFO" if log else "ERROR", **more},
            stderr=files.enter_context(log.open("wb")) if log else None,
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(60)


def call(port: int, method: str, path: str, token: str, body: Any = None, **headers: str) -> Answer:
    """Send one request on a new connection; an iterable body is sent in chunks."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2 * PATIENCE)
    content = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
    try:
        connection.request(
            method,
            f"/api/v1{path}",
            body=content,
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
        )
        response = connection.getresponse()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
    finally:
        connection.close()


@pytest.fixture(scope="session")
def web_server(django_db_setup: None) -> Iterator[int]:
    """Serve the tests' database by one process for all tests, whose start takes longer than most of them; return its
    port.
    """
    with serve(application="tests.harness.web_application:application", is_demo=True) as port:
        yield port


def free_port() -> int:
    """Return a free port outside of the system's ephemeral range: servers start slowly, and the system could give the
    same port to another test process meanwhile.
    """
    begin = 10_000 + os.getpid() % 2_000 * 10
    for port in range(begin, begin + 10):
        with socket.socket() as free:
            # As servers do: a port with connections in TIME_WAIT counts as free.
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                free.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError(f"no port from {begin} on is free")


def database_url() -> str:
    """Return the address of the tests' database for another process."""
    database = settings.DATABASES["default"]
    name = connections["default"].settings_dict["NAME"]
    password = quote(database["PASSWORD"], safe="")
    return f"postgres://{database['USER']}:{password}@{database['HOST']}:{database['PORT']}/{name}"


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    """Wait until a connection is answered: it is accepted before the processes behind it have started."""
    deadline = time.monotonic() + 3 * PATIENCE
    while time.monotonic() < deadline:
        assert server.poll() is None, "the server ended before it answered"
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3 * PATIENCE)
        try:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.1)
        else:
            return
        finally:
            connection.close()
    raise AssertionError("the server did not answer in time")
