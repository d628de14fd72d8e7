"""The logged result of a failed post."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.harness.tiers import PATIENCE
from tests.harness.webhook_fixtures import HERE
from webhooks.client import HttpWebhookClient, Limits


@pytest.fixture
def port_of_nobodys_certificate(tmp_path: Path) -> Iterator[int]:
    """Return the port of a server with an untrusted certificate."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    signed = made.not_valid_before(now).not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
    pem = tmp_path / "server.pem"
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, *form) + signed.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def serve() -> None:
            with suppress(OSError), server.accept()[0] as connection:
                context.wrap_socket(connection, server_side=True)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join(5)


def test_an_untrusted_certificate_is_distinguished_from_no_connection(port_of_nobodys_certificate: int) -> None:
    with HttpWebhookClient(HERE, limits=Limits(connect=PATIENCE, total=PATIENCE)) as postman:
        answers = [
            postman.post(f"https://127.0.0.1:{port}/", headers={}, body=b"{}").result(2 * PATIENCE)
            for port in (port_of_nobodys_certificate, 9)
        ]

    assert [(answer.status, answer.error) for answer in answers] == [(None, "tls"), (None, "no_connection")]
