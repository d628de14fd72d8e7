"""Refused addresses of webhooks: addresses and their encodings, names that change, misleading settings.

The check is made at the socket: an audit hook sees every connection that Python makes.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator

import pytest

from webhooks.client import HttpWebhookClient, Limits, PostResult
from webhooks.ssrf import Guard, RefusedAddress, guard_of

WORLD = Guard()
REFUSED_ADDRESSES = """
    0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.254 127.0.0.1 127.1.2.3 127.255.255.255
    168.63.129.16 ::ffff:168.63.129.16 64:ff9b::a83f:8110 2002:a83f:8110::1 2606:4700::5efe:168.63.129.16
    169.254.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.170 192.0.2.1 192.31.196.1 192.52.193.1
    192.88.99.1 192.168.0.1 192.168.255.255 192.175.48.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1
    239.255.255.255 240.0.0.1 255.255.255.255
    :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:7f00:1 0:0:0:0:0:ffff:c0a8:1
    64:ff9b::7f00:1 64:ff9b::10.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 100::1 2001::1 2001:0:7f00:1:: 2001:2::1
    2001:10::1 2001:20::1 2001:db8::1 2001:0:0808:0808:0:0:80ff:fffe 2002:7f00:1:: 2002:7f00:1::1 2002:a00:1::1
    2002:c0a8:1::1 2606:4700::5efe:10.0.0.1 2606:4700::200:5efe:7f00:1 2620:4f:8000::1 3fff::1 5f00::1 fc00::1 fd00::1
    fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1 ff02::1 ff0e::1 4000::1
""".split()  # fmt: skip
REFUSED_URLS = [
    *(f"https://[{address}]/" if ":" in address else f"https://{address}/" for address in REFUSED_ADDRESSES),
    "https://2130706433/", "https://0x7f000001/", "https://0x7f.0.0.1/", "https://0177.0.0.1/", "https://127.1/",
    "https://017700000001/", "https://0/", "https://127.0.0.1./", "https://1.1.1.1.1/", "https://localhost/",
    "https://LOCALHOST/", "https://x.localhost/", "https://db.internal/", "https://printer.local/", "https://redis/",
    "https://127\u30020\u30020\u30021/", "https://\uff11\uff12\uff17.0.0.1/", "https://\u24db\u24de\u24d2al/",
    "https://user@example.com/", "https://user:pass@example.com/", "https://example.com@127.0.0.1/",
    "https://127.0.0.1#@example.com/", "https://example.com\\@127.0.0.1/", "https://example.com/#part",
    "https://example.com:22/", "https://example.com:6379/", "https://example.com:0/", "https://example.com:99999/",
    "https://1.1.1.1:25/", "http://example.com/", "http://1.1.1.1/", "ftp://example.com/", "file:///etc/passwd",
    "gopher://example.com/", "//example.com/", "example.com", "", "https://", "https:///path", "https://exa mple.com/",
    "https://example.com/\r\nx: y", "https://example.com/\0", "https://-example.com/", "https://ex..com/",
    "https://[::1/", "https://[fe80::1%25eth0]/", "https://" + "a" * 2_000 + ".com/",
]  # fmt: skip
ALLOWED = ["https://example.com/hook?x=1", "https://example.com:8443/", "https://1.1.1.1/", "https://[2606:4700::1]/"]
#: Public ones, also in other encodings.
PUBLIC = [
    "1.1.1.1",
    "168.63.129.15",
    "8.8.8.8",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2002:808:808::1",
]


def test_the_table_is_long_enough() -> None:
    assert len(set(REFUSED_URLS)) >= 60
    assert len(set(REFUSED_ADDRESSES)) >= 60


@pytest.mark.parametrize("address", REFUSED_ADDRESSES)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(RefusedAddress):
        WORLD.check_address(address, 443, is_plain=False)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_accepted_with_tls_at_a_standard_port(address: str) -> None:
    WORLD.check_address(address, 443, is_plain=False)

    for port, is_plain in ((22, False), (443, True)):
        with pytest.raises(RefusedAddress):
            WORLD.check_address(address, port, is_plain=is_plain)


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_an_unsafe_url_is_refused(url: str) -> None:
    with pytest.raises(RefusedAddress):
        WORLD.check_url(url)


@pytest.mark.parametrize("url", ALLOWED)
def test_a_safe_url_is_accepted(url: str) -> None:
    WORLD.check_url(url)


def test_allowed_networks_open_themselves_and_nothing_else() -> None:
    guard = guard_of(["127.0.0.0/8", " ::1/128 ", ""])

    for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
        guard.check_address(address, 9_999, is_plain=True)
    guard.check_url("http://localhost:9999/")
    for address in ("10.0.0.1", "169.254.169.254", "::2", "64:ff9b::7f00:1"):
        with pytest.raises(RefusedAddress):
            guard.check_address(address, 443, is_plain=False)


class TestAtTheSocket:
    """Names come from our own resolver; no connection may be made to any refused address that it returns."""

    @pytest.fixture
    def connections(self) -> Iterator[list[str]]:
        made: list[str] = []
        listening = True

        def hear(event: str, arguments: tuple[object, ...]) -> None:
            # Only connections of the client's own thread, not of other tests' threads.
            if listening and event == "socket.connect" and threading.current_thread().name == "webhook posts":
                made.append(str(arguments[1]))

        sys.addaudithook(hear)  # an audit hook cannot be removed
        yield made
        listening = False

    @staticmethod
    def post(url: str, guard: Guard, *addresses: list[str]) -> tuple[PostResult, list[str]]:
        answers = iter([*addresses, *([addresses[-1]] if addresses else [])])
        asked: list[str] = []

        async def resolve(host: str, port: int) -> list[str]:
            asked.append(host)
            return next(answers)

        with HttpWebhookClient(guard, limits=Limits(connect=5, total=5), resolve=resolve) as postman:
            return postman.post(url, headers={}, body=b"{}").result(), asked

    @pytest.mark.parametrize("address", REFUSED_ADDRESSES)
    def test_a_name_for_an_unsafe_address_is_not_connected_to(self, address: str, connections: list[str]) -> None:
        answer, _ = self.post("https://hooks.example.com/", WORLD, [address])

        assert (answer.error, answer.status, connections) == ("refused_address", None, [])

    def test_a_name_with_one_bad_address_among_good_ones_is_not_connected_to(self, connections: list[str]) -> None:
        answer, _ = self.post("https://hooks.example.com/", WORLD, ["1.1.1.1", "10.0.0.1"])

        assert (answer.error, connections) == ("refused_address", [])

    @pytest.mark.parametrize("url", REFUSED_URLS)
    def test_a_stored_unsafe_url_is_not_connected_to(self, url: str, connections: list[str]) -> None:
        answer, asked = self.post(url, WORLD, ["127.0.0.1"])

        assert (answer.error, asked, connections) == ("refused_address", [], [])

    def test_a_name_is_resolved_once_and_the_connection_goes_to_the_checked_address(
        self, connections: list[str]
    ) -> None:
        # The second response is the trap: a client that resolves again after the check would use it.
        answer, asked = self.post(
            "http://hooks.example.com:9/", guard_of(["127.7.7.7/32"]), ["127.7.7.7"], ["10.0.0.1"]
        )

        assert asked == ["hooks.example.com"]
        assert connections == ["('127.7.7.7', 9)"]
        assert answer.error == "no_connection"

    def test_a_proxy_of_the_environment_is_ignored(
        self, connections: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, "http://127.9.9.9:3128")

        self.post("http://hooks.example.com:9/", guard_of(["127.0.0.0/8"]), ["127.7.7.7"])

        assert connections == ["('127.7.7.7', 9)"]

    def test_the_check_of_connections_sees_them(self, connections: list[str]) -> None:
        async def connect() -> None:
            await asyncio.open_connection("127.0.0.1", 9)

        def run() -> None:
            with pytest.raises(OSError, match="Connect call failed"):
                asyncio.run(connect())

        thread = threading.Thread(target=run, name="webhook posts")
        thread.start()
        thread.join()

        assert connections == ["('127.0.0.1', 9)"]
