"""A carrier on a real socket that keeps a ledger: one quote per request token, and every submission that it received.

It can lose its responses after it has accepted a submission, as a carrier does that times out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.harness.counting_carrier import CUT, CountingCarrier, Reply, Seen, counting_carrier

MISSING: Reply = (404, {}, b"{}")


@dataclass
class Ledger:
    """What the carrier knows: quotes by request token, and how often each token was submitted."""

    carrier: CountingCarrier
    quotes: dict[str, dict[str, Any]] = field(default_factory=dict)
    submitted: Counter[str] = field(default_factory=Counter)
    withdrawn: set[str] = field(default_factory=set)
    #: How many of the next responses to submissions are lost.
    losing: int = 0
    status: str = "quoted"

    @property
    def url(self) -> str:
        """Return the carrier's address."""
        return self.carrier.url

    @property
    def blind_resends(self) -> list[str]:
        """Return the tokens that were submitted although the carrier knew them."""
        return [token for token, times in self.submitted.items() if times > 1]

    def answer(self, request: Seen) -> Reply | None:
        """Reply to one request; tokens are left to the carrier itself."""
        place = urlsplit(request.path)
        if not place.path.startswith("/v1/quotes"):
            return None
        if request.method == "POST" and place.path == "/v1/quotes":
            return self._submit(json.loads(request.body))
        if request.method == "POST":
            reference = unquote(place.path.split("/")[3])
            self.withdrawn.add(reference)
            found = self._with_reference(reference)
            return MISSING if found is None else _ok({**found, "status": "withdrawn"})
        token = parse_qs(place.query).get("request_token", [""])[0]
        found = self.quotes.get(token) if token else self._with_reference(unquote(place.path.split("/")[-1]))
        return MISSING if found is None else _ok(found)

    def _submit(self, body: dict[str, Any]) -> Reply:
        token = body["request_token"]
        self.submitted[token] += 1
        if token not in self.quotes:
            self.quotes[token] = {
                "reference": f"L-{len(self.quotes) + 1}", "request_token": token, "product": body["product"],
                "status": self.status, "sequence": 1, "premium": {"amount": 640, "currency": "USD"},
                "is_bindable": True, "updated_at": "2026-01-05T10:00:00Z",
            }  # fmt: skip
        if self.losing > 0:
            self.losing -= 1
            return CUT
        return _ok(self.quotes[token])

    def _with_reference(self, reference: str) -> dict[str, Any] | None:
        return next((quote for quote in self.quotes.values() if quote["reference"] == reference), None)


def _ok(quote: dict[str, Any]) -> Reply:
    return 200, {}, json.dumps(quote).encode()


@contextmanager
def ledger_carrier() -> Iterator[Ledger]:
    """Run the carrier at a free port of this machine."""
    with counting_carrier() as carrier:
        ledger = Ledger(carrier)
        carrier.answer = ledger.answer
        yield ledger
