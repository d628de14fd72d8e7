"""A small AWS KMS on a port of its own: Encrypt and Decrypt, with the encryption context bound in, and outages."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from encryption.envelope import DecryptionFailed, decrypt, encrypt, new_key

ARN = "arn:aws:kms:us-east-1:000000000000:key/"
ALIAS = "alias/partner-engine"


class KmsServer:
    """The state of the server: its keys by ARN, the key behind the alias, the number of calls, and whether it fails."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.keys = {f"{ARN}1": new_key()}
        self.calls: list[str] = []
        self.fails = False

    @property
    def current(self) -> str:
        return list(self.keys)[-1]

    def turn(self) -> None:
        """Let the alias name a new key."""
        self.keys[f"{ARN}{len(self.keys) + 1}"] = new_key()

    def respond(self, target: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.calls.append(target)
        if self.fails:
            return 400, {"__type": "ThrottlingException", "message": "Rate exceeded"}
        context = json.dumps(body.get("EncryptionContext", {}), sort_keys=True).encode()
        if target == "Encrypt":
            arn = self.current if body["KeyId"] == ALIAS else body["KeyId"]
            data = encrypt(self.keys[arn], base64.b64decode(body["Plaintext"]), context=context)
            return 200, {"CiphertextBlob": base64.b64encode(data).decode(), "KeyId": arn}
        if body["KeyId"] not in self.keys:
            return 400, {"__type": "NotFoundException", "message": "Key not found"}
        try:
            plain = decrypt(self.keys[body["KeyId"]], base64.b64decode(body["CiphertextBlob"]), context=context)
        except DecryptionFailed:
            return 400, {"__type": "InvalidCiphertextException", "message": ""}
        return 200, {"Plaintext": base64.b64encode(plain).decode(), "KeyId": body["KeyId"]}


@contextmanager
def kms_server() -> Iterator[KmsServer]:
    """Run the server in a thread; yield it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802 - the name that the library calls
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = state.respond(self.headers["X-Amz-Target"].partition(".")[2], body)
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state = KmsServer(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
