"""A receiver of carriers' callbacks on a port of its own, in a thread; it verifies nothing by itself."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook


@dataclass(frozen=True)
class Callback:
    """A received callback."""

    headers: dict[str, str]
    body: bytes
    path: str = ""

    @property
    def data(self) -> dict[str, Any]:
        return dict(json.loads(self.body)["data"])

    def verify(self, secret: str) -> None:
        """Raise ``WebhookVerificationError`` for a wrong signature or an old time."""
        Webhook(secret).verify(self.body, self.headers)


@dataclass
class CallbackReceiver:
    """The running receiver. ``refusals`` is the number of callbacks that it refuses before it accepts one."""

    base: str
    received: list[Callback] = field(default_factory=list)
    refusals: int = 0

    @property
    def url(self) -> str:
        """Return the address of one copy's callbacks."""
        return f"{self.base}/carrier_callbacks/link/copy"


@contextmanager
def callback_receiver() -> Iterator[CallbackReceiver]:
    """Run the receiver in a thread; yield it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802 - the name that the library calls
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            state.received.append(Callback(headers, body, self.path))
            is_refused, state.refusals = state.refusals > 0, max(0, state.refusals - 1)
            self.send_response(503 if is_refused else 204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state = CallbackReceiver(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
