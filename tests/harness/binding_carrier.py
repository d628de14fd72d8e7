"""A carrier on a real socket that binds: it keeps bindings by token, and counts what it is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.harness.counting_carrier import CountingCarrier, Reply, Seen, counting_carrier


@dataclass
class BindingCarrier:
    """The carrier's own books. ``decision`` is what it decides on a new request."""

    server: CountingCarrier
    decision: dict[str, Any] = field(default_factory=lambda: {"status": "bound", "policy_number": "P-77"})
    #: Accepts the next requests and cuts the connection.
    cuts: int = 0
    #: Refuses requests with this status.
    status: int = 0
    bindings: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.server.url

    def count(self, method: str, part: str) -> int:
        """Return the number of requests of ``method`` whose path contains ``part``."""
        return sum(seen.method == method and part in seen.path for seen in self.server.seen)

    def decide(self, **decision: Any) -> None:
        """Decide on all bindings that are known and to come."""
        self.decision = decision
        for binding in self.bindings.values():
            binding |= decision

    def reply(self, request: Seen) -> Reply | None:
        """Reply to requests about bindings; the server replies to others."""
        if request.path == "/oauth/token":
            return None
        if request.method == "GET":
            token = parse_qs(urlsplit(request.path).query).get("bind_token", [""])[0]
            known = self.bindings.get(token)
            return (200, {}, json.dumps(known).encode()) if known else (404, {}, b"{}")
        if self.status:
            return self.status, {}, json.dumps({"code": "closed", "detail": "This account is closed."}).encode()
        body = json.loads(request.body)
        self.requests.append(body)
        reference = urlsplit(request.path).path.split("/")[-2]
        new = {
            "reference": reference, "bind_token": body["bind_token"], "updated_at": "2026-11-28T10:00:00Z",
            "policy_number": None, **self.decision,
        }  # fmt: skip
        binding = self.bindings.setdefault(body["bind_token"], new)
        if self.cuts:
            self.cuts -= 1
            raise ConnectionResetError
        return 202 if binding["status"] == "pending" else 200, {}, json.dumps(binding).encode()


@contextmanager
def binding_carrier() -> Iterator[BindingCarrier]:
    """Run the carrier at a free port of this machine."""
    with counting_carrier() as server:
        carrier = BindingCarrier(server)
        server.answer = carrier.reply
        yield carrier
