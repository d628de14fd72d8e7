"""The HTTP client of carriers: every address is checked at the socket, TLS is verified, the environment is ignored."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from carriers.links.transport import make_client
from tests.harness.counting_carrier import CountingCarrier, counting_carrier
from webhooks.ssrf import RefusedAddress, guard_of

LOOPBACK = guard_of(["127.0.0.0/8"])


def get(url: str, *, allowed: tuple[str, ...] = (), resolved: tuple[str, ...] = ()) -> httpx2.Response:
    """Get ``url`` with a resolver that returns these addresses."""

    async def resolve(host: str, port: int) -> list[str]:
        return list(resolved)

    async def once() -> httpx2.Response:
        async with make_client(guard_of(allowed), resolve=resolve if resolved else None) as client:
            return await client.get(url)

    return asyncio.run(once())


@pytest.mark.parametrize(
    "resolved",
    [("127.0.0.1",), ("93.184.216.34", "10.0.0.1"), ("::ffff:127.0.0.1",), ("64:ff9b::7f00:1",), ("169.254.169.254",)],
)
def test_a_name_that_resolves_to_a_private_address_is_refused(resolved: tuple[str, ...]) -> None:
    with pytest.raises(RefusedAddress):
        get("https://quotes.carrier.example/", resolved=resolved)


def test_the_connection_goes_to_the_checked_address_under_the_name(carrier: CountingCarrier) -> None:
    port = carrier.url.rpartition(":")[2]

    get(f"http://quotes.carrier.example:{port}/x", allowed=("127.0.0.0/8",), resolved=("127.0.0.1",))

    assert carrier.seen[0].headers["host"] == f"quotes.carrier.example:{port}"


def test_proxies_of_the_environment_are_ignored(carrier: CountingCarrier, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert get(f"{carrier.url}/x", allowed=("127.0.0.0/8",)).status_code == 200


def test_a_redirect_is_not_followed(carrier: CountingCarrier) -> None:
    carrier.answer = lambda request: (302, {"Location": f"{carrier.url}/elsewhere"}, b"")

    assert get(f"{carrier.url}/x", allowed=("127.0.0.0/8",)).status_code == 302
    assert len(carrier.seen) == 1


@contextmanager
def tls_server(folder: Path) -> Iterator[int]:
    """Run a TLS server with a certificate that nobody trusts; yield its port."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with counting_carrier(tls=context) as carrier:
        yield int(carrier.url.rpartition(":")[2])


def test_an_untrusted_certificate_is_refused(tmp_path: Path) -> None:
    with tls_server(tmp_path) as port, pytest.raises(httpx2.ConnectError, match="certificate"):
        get(f"https://127.0.0.1:{port}/x", allowed=("127.0.0.0/8",))
