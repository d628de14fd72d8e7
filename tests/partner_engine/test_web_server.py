"""A stopping web process: idle connections of a proxy serve one more request, and new ones are refused.

All on asyncio's loop and on uvloop's, which production has.
"""

from __future__ import annotations

import asyncio
import http.client
import re
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import uvicorn

from house.place import CHECKOUT
from partner_engine import web_server
from partner_engine.web_server import IDLE_SECONDS, WebServer, let_nobody_in
from tests.harness.tiers import PATIENCE, until, within
from tests.harness.web_servers import free_port, program, wait_for

REQUEST = b"POST / HTTP/1.1\r\nHost: proxy\r\nContent-Length: 0\r\n\r\n"
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: proxy\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
#: The frame with which uvicorn closes a WebSocket when it stops: code 1012, "service restart".
RESTART = b"\x88\x02" + (1012).to_bytes(2, "big")
LOOPS: list[Any] = ["asyncio", pytest.param("uvloop", marks=pytest.mark.skipif(sys.platform == "win32", reason="none"))]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def application(scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Any) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass
        return
    await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def answered(connection: Streams, request: bytes = REQUEST) -> bytes:
    """Send a request; return the head of its response."""
    connection[1].write(request)
    return await asyncio.wait_for(connection[0].readuntil(b"\r\n\r\n"), PATIENCE)


async def rest(connection: Streams) -> bytes:
    """Return what the server sends until it closes the connection."""
    return await asyncio.wait_for(connection[0].read(), PATIENCE)


async def port_of(server: WebServer) -> int:
    """Return the port when the server has started."""
    while not server.started:
        await asyncio.sleep(0.01)
    return int(server.servers[0].sockets[0].getsockname()[1])


def run_with(loop: str, use: Callable[[WebServer], Awaitable[None]]) -> None:
    """Run ``use`` on a loop of this name, with a server that has not started."""
    config = uvicorn.Config(application, port=0, lifespan="off", log_level="critical", loop=loop)

    async def run() -> None:
        await use(WebServer(config))

    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(run())


def stop_with(loop: str, requests: list[bytes], use: Callable[[int, list[Streams]], Awaitable[None]]) -> None:
    """Stop a server as SIGTERM does, with a connection for each of the requests it has answered before; ``use`` its
    port and them meanwhile.
    """

    async def run(server: WebServer) -> None:
        serving = asyncio.create_task(server.serve())
        port = await port_of(server)
        opened = [await asyncio.open_connection("127.0.0.1", port) for _ in requests]
        for connection, request in zip(opened, requests, strict=True):
            assert b"connection: close" not in await answered(connection, request)
        server.should_exit = True
        while server.servers[0].is_serving():
            await asyncio.sleep(0.01)
        await use(port, opened)
        await asyncio.wait_for(serving, PATIENCE)
        for _, writer in opened:
            writer.close()

    run_with(loop, run)


@pytest.mark.parametrize("loop", LOOPS)
def test_an_idle_connection_serves_one_more_request_and_new_ones_are_refused(loop: str) -> None:
    async def use(port: int, opened: list[Streams]) -> None:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        head = await answered(opened[0])
        assert (head.split()[1], b"connection: close" in head) == (b"201", True)
        assert await rest(opened[0]) == b""

    started = time.monotonic()
    stop_with(loop, [REQUEST], use)

    assert time.monotonic() - started < within(IDLE_SECONDS)


@pytest.mark.parametrize("loop", LOOPS)
def test_connections_that_nobody_gives_up_are_closed_after_a_while(loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_server, "IDLE_SECONDS", 0.6)

    async def use(port: int, opened: list[Streams]) -> None:
        started = time.monotonic()
        assert await rest(opened[0]) == b""
        assert time.monotonic() - started > 0.3

    stop_with(loop, [REQUEST], use)


@pytest.mark.parametrize("loop", LOOPS)
def test_an_open_page_delays_no_stop(loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_server, "IDLE_SECONDS", 100 * PATIENCE)

    async def use(port: int, opened: list[Streams]) -> None:
        socket_of_a_page, idle = opened
        # Until then the page would connect again to this process.
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket_of_a_page[0].read(1), 0.3)
        idle[1].close()
        assert await rest(socket_of_a_page) == RESTART

    stop_with(loop, [UPGRADE, REQUEST], use)


@pytest.mark.skipif(sys.platform != "linux", reason="The filter is Linux's.")
@pytest.mark.parametrize("loop", LOOPS)
def test_the_sockets_of_the_loop_let_nobody_in(loop: str) -> None:
    async def use(server: WebServer) -> None:
        serving = asyncio.create_task(server.serve())
        address = ("127.0.0.1", await port_of(server))
        # The loop accepts nobody before this function waits.
        early = socket.create_connection(address, timeout=PATIENCE)
        for listening in server.servers[0].sockets:
            let_nobody_in(listening)

        with pytest.raises(TimeoutError):
            socket.create_connection(address, timeout=0.3)

        connection = await asyncio.open_connection(sock=early)
        assert (await answered(connection)).split()[1] == b"201"
        connection[1].close()
        server.should_exit = True
        await asyncio.wait_for(serving, PATIENCE)

    run_with(loop, use)


def test_a_refused_filter_stops_no_stop() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    listening.close()

    let_nobody_in(listening)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_shared_port_lets_people_in_after_the_stop(loop: str) -> None:
    async def use(server: WebServer) -> None:
        with socket.create_server(("127.0.0.1", 0)) as shared:
            serving = asyncio.create_task(server.serve([shared.dup()]))
            await port_of(server)
            server.should_exit = True
            await asyncio.wait_for(serving, PATIENCE)

            socket.create_connection(shared.getsockname(), timeout=PATIENCE).close()

    run_with(loop, use)


@pytest.mark.parametrize("option", [{"reload": True}, {"workers": 2}, {"fd": 0}], ids=lambda option: next(iter(option)))
def test_a_shared_port_is_refused_with_a_sentence(option: dict[str, Any]) -> None:
    config = uvicorn.Config(f"{__name__}:application", **option)

    with pytest.raises(SystemExit, match=f"does not run with .*--{next(iter(option))}.*: start one process per --port"):
        WebServer(config)


def test_workers_of_the_environment_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", "2")

    with pytest.raises(SystemExit, match="WEB_CONCURRENCY"):
        WebServer(uvicorn.Config(application))


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


@pytest.mark.slow
@pytest.mark.alone
def test_a_program_that_is_stopped_under_requests_fails_none(django_db_setup: None) -> None:
    unit = (CHECKOUT / "deploy" / "systemd" / "partner-engine-web@.service").read_text(encoding="utf-8")
    (line,) = re.findall(r"^ExecStart=\S+/python (.+)$", unit, flags=re.MULTILINE)
    port = free_port()

    statuses: list[list[int]] = [[] for _ in range(4)]

    with ThreadPoolExecutor() as pool, program([sys.executable, *line.replace("%i", str(port)).split()]) as server:
        wait_for(port, server)
        clients = [pool.submit(request_until_refused, port, its) for its in statuses]
        until(lambda: min(map(len, statuses)) > 10)
        idle = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        assert response_of(idle).status == 200
        server.terminate()
        for client in clients:
            client.result(PATIENCE)
        last = response_of(idle)
        assert (last.status, last.getheader("connection")) == (200, "close")
        # Ended by the signal, as uvicorn ends after an orderly stop.
        assert server.wait(PATIENCE) == -signal.SIGTERM

    assert {status for its in statuses for status in its} == {200}


def request_until_refused(port: int, statuses: list[int]) -> None:
    """Send requests as a proxy does, on a connection that stays open, until new ones are refused; append the statuses
    of the responses.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    while True:
        try:
            # After a response with `Connection: close` the client has closed it, and opens another one.
            if connection.sock is None:
                connection.connect()
        except ConnectionRefusedError:
            return
        statuses.append(response_of(connection).status)


def response_of(connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
    """Send a request; return its response, which is read."""
    connection.request("GET", "/healthz")
    response = connection.getresponse()
    response.read()
    return response
