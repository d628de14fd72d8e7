"""A stopping web process: idle connections of a proxy serve one more request, and new ones are refused."""

from __future__ import annotations

import asyncio
import re
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn

from house.place import CHECKOUT
from partner_engine import web_server
from partner_engine.web_server import IDLE_SECONDS, WebServer, let_nobody_in
from tests.harness.tiers import PATIENCE, within

REQUEST = b"POST / HTTP/1.1\r\nHost: proxy\r\nContent-Length: 0\r\n\r\n"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def application(scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Any) -> None:
    await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def answered(connection: Streams) -> bytes:
    """Send a request; return the head of its response."""
    connection[1].write(REQUEST)
    return await asyncio.wait_for(connection[0].readuntil(b"\r\n\r\n"), PATIENCE)


def stop_with(connections: int, use: Callable[[int, list[Streams]], Awaitable[None]]) -> None:
    """Stop a server with idle ``connections`` as SIGTERM does, and ``use`` its port and them meanwhile."""

    async def run() -> None:
        server = WebServer(uvicorn.Config(application, port=0, lifespan="off", log_level="critical"))
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(connections)]
        for connection in opened:
            assert b"connection: close" not in await answered(connection)
        server.should_exit = True
        while server.servers[0].is_serving():
            await asyncio.sleep(0.01)
        await use(port, opened)
        await asyncio.wait_for(serving, PATIENCE)
        for _, writer in opened:
            writer.close()

    asyncio.run(run())


def test_an_idle_connection_serves_one_more_request_and_new_ones_are_refused() -> None:
    async def use(port: int, opened: list[Streams]) -> None:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        head = await answered(opened[0])
        assert (head.split()[1], b"connection: close" in head) == (b"201", True)
        assert await asyncio.wait_for(opened[0][0].read(), PATIENCE) == b""

    started = time.monotonic()
    stop_with(1, use)

    assert time.monotonic() - started < within(IDLE_SECONDS)


def test_connections_that_nobody_gives_up_are_closed_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_server, "IDLE_SECONDS", 0.6)

    async def use(port: int, opened: list[Streams]) -> None:
        started = time.monotonic()
        assert await asyncio.wait_for(opened[0][0].read(), PATIENCE) == b""
        assert time.monotonic() - started > 0.3

    stop_with(1, use)


@pytest.mark.skipif(sys.platform != "linux", reason="The filter is Linux's.")
def test_who_came_before_the_stop_is_let_in_and_nobody_after() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = listening.getsockname()
        with socket.create_connection(address, timeout=PATIENCE) as early:
            early.sendall(REQUEST)

            let_nobody_in(listening)

            with pytest.raises(TimeoutError):
                socket.create_connection(address, timeout=0.3)
            accepted, _ = listening.accept()
            with accepted:
                assert accepted.recv(len(REQUEST)) == REQUEST
                accepted.sendall(b"HTTP")
                assert early.recv(4) == b"HTTP"


@pytest.mark.parametrize("name", ["upstream-systemd.conf", "upstream-compose.conf.template"])
def test_nginx_gives_idle_connections_up_earlier(name: str) -> None:
    text = (CHECKOUT / "deploy" / "nginx" / name).read_text(encoding="utf-8")

    (seconds,) = re.findall(r"^    keepalive_timeout (\d+)s;$", text, flags=re.MULTILINE)

    assert int(seconds) <= IDLE_SECONDS / 2
