"""The proxy disturbs connections as requested, and recognizes saves."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.harness.faults.proxy import Proxy, proxying
from tests.harness.faults.wire import Conversation

STARTUP = b"\x00\x00\x00\x08\x00\x03\x00\x00"
SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
UPDATE = b'SELECT set_config(1); UPDATE "copies_copy" SET version = 2'


def query(text: bytes) -> bytes:
    return b"Q" + (len(text) + 5).to_bytes(4, "big") + text + b"\0"


def ready(status: bytes) -> bytes:
    return b"Z\x00\x00\x00\x05" + status


class TestWire:
    def test_a_statement_of_its_own_is_a_save(self) -> None:
        talk = Conversation()

        assert not talk.is_save(STARTUP)
        assert not talk.is_save(query(b'SELECT * FROM "copies_copy"'))
        assert not talk.is_save(query(b'UPDATE "copies_copyindex" SET version = 2'))
        assert talk.is_save(query(UPDATE))
        assert talk.is_save(query(b"WITH saved AS (update copies_copy SET version = 2) SELECT 1"))

    def test_in_a_transaction_the_commit_is_the_save(self) -> None:
        talk = Conversation()
        talk.is_save(STARTUP)

        assert not talk.is_save(query(b"BEGIN"))
        assert talk.is_answered(ready(b"T"))
        assert not talk.is_save(query(UPDATE))
        assert talk.is_save(query(b"COMMIT"))
        assert talk.is_answered(ready(b"I"))
        assert not talk.is_save(query(b"COMMIT"))

    def test_another_commit_is_not_a_save(self) -> None:
        talk = Conversation()
        talk.is_save(STARTUP)
        talk.is_save(query(b"BEGIN"))
        talk.is_answered(ready(b"T"))

        assert not talk.is_save(query(b"INSERT INTO other VALUES (1)"))
        assert not talk.is_save(query(b"COMMIT"))

    def test_messages_may_come_in_any_pieces(self) -> None:
        talk = Conversation()
        sent = SSL_REQUEST + STARTUP + query(b"SELECT 1") + query(UPDATE)
        answered = b"N" + ready(b"I")

        found = [talk.is_save(sent[place : place + 1]) for place in range(len(sent))]
        ends = [talk.is_answered(answered[place : place + 1]) for place in range(len(answered))]

        assert found == [False] * (len(sent) - 1) + [True]
        assert ends == [False] * (len(answered) - 1) + [True]


@pytest.fixture
def echo() -> Iterator[int]:
    """Return the port of an echo server."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=answer, args=[server.accept()[0]], daemon=True).start()

        def answer(connection: socket.socket) -> None:
            with contextlib.suppress(OSError), connection:
                while data := connection.recv(100):
                    connection.sendall(data)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@pytest.fixture
def proxy(echo: int) -> Iterator[Proxy]:
    with proxying(echo) as proxy:
        yield proxy


def said(connection: socket.socket) -> bytes:
    connection.sendall(b"x")
    return connection.recv(100)


class TestProxy:
    @pytest.fixture
    def connection(self, proxy: Proxy) -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as connection:
            yield connection

    def test_the_proxy_forwards_data(self, connection: socket.socket) -> None:
        assert said(connection) == b"x"

    def test_a_cut_is_an_end(self, proxy: Proxy, connection: socket.socket) -> None:
        assert said(connection) == b"x"

        proxy.cut()

        assert connection.recv(100) == b""

    def test_a_reset_is_an_error(self, proxy: Proxy, connection: socket.socket) -> None:
        assert said(connection) == b"x"

        proxy.reset()

        with pytest.raises(ConnectionError):
            connection.recv(100)

    def test_delay(self, proxy: Proxy, connection: socket.socket) -> None:
        proxy.delay_seconds = 0.05

        began = time.monotonic()
        assert said(connection) == b"x"

        assert 0.1 <= time.monotonic() - began < 10

    def test_a_black_hole_holds_data_until_it_opens(self, proxy: Proxy, connection: socket.socket) -> None:
        proxy.is_blackhole = True
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            said(connection)

        proxy.is_blackhole = False

        connection.settimeout(5)
        assert connection.recv(100) == b"x"

    def test_a_refused_client_gets_no_data(self, proxy: Proxy) -> None:
        proxy.is_refusing = True

        with pytest.raises(ConnectionError), socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as late:
            said(late)
