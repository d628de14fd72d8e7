"""A caller of the carrier API: a small HTTP client, which knows nothing of the product."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from tests.harness.carrier_simulator import CarrierSimulator

RESTAURANT = {
    "business_name": "Copper Kettle Bistro LLC", "naics": "722511", "states": ["TX"], "annual_revenue": 1_250_000,
    "tiv": 180_000, "max_sqft": 3_200, "gl_limit": "l1m", "deductible": "d1000", "business_income": "b6",
    "liquor_pct": 22, "losses_3y": 1, "xmod": "0.96", "safety_program": True, "lapse": False, "uses_1099": False,
    "wc_classes": [
        {"state": "TX", "code": "9082", "payroll": 410_000}, {"state": "TX", "code": "8810", "payroll": 48_000}
    ],
}  # fmt: skip
CONSENT = {"wording_hash": "0" * 64, "accepted_at": "2026-06-01T10:00:00Z", "accepted_by": "Robin Example"}


@dataclass(frozen=True)
class Reply:
    """A response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Caller:
    """A client of one carrier, signed in."""

    def __init__(self, simulator: CarrierSimulator, carrier: str, *, timeout: float = 5.0) -> None:
        self.simulator = simulator
        self.carrier = carrier
        self.timeout = timeout
        self.token = self.sign_in().json()["access_token"]

    def sign_in(self, **changes: str) -> Reply:
        """Get a token by HTTP Basic."""
        known = {**self.simulator.credentials(self.carrier), **changes}
        pair = base64.b64encode(f"{known['client_id']}:{known['client_secret']}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}", "Content-Type": "application/x-www-form-urlencoded"}
        return self.call("POST", "/oauth/token", b"grant_type=client_credentials", **headers)

    def call(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
        """Send one request on a new connection."""
        address = urlsplit(self.simulator.url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=self.timeout)
        try:
            connection.request(method, f"/{self.carrier}{path}", body, headers)
            response = connection.getresponse()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def get(self, path: str) -> Reply:
        return self.call("GET", path, Authorization=f"Bearer {self.token}")

    def post(self, path: str, body: Any = None, *, key: str = "", **headers: str) -> Reply:
        own = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **headers}
        own |= {"Idempotency-Key": key} if key else {}
        return self.call("POST", path, json.dumps(body).encode() if body is not None else None, **own)

    def submit(self, token: str, product: str, risk: Mapping[str, Any] = RESTAURANT, **fields: Any) -> Reply:
        body = {"request_token": token, "product": product, "risk": dict(risk), **fields}
        return self.post("/v1/quotes", body, key=token)

    def find(self, token: str) -> Reply:
        return self.get(f"/v1/quotes?request_token={quote(token)}")

    def read(self, reference: str) -> Reply:
        return self.get(f"/v1/quotes/{reference}")

    def bind(self, reference: str, bind_token: str) -> Reply:
        body = {"bind_token": bind_token, "payment_plan": "monthly", "consent": CONSENT, "answers": {}}
        return self.post(f"/v1/quotes/{reference}/bind", body, key=bind_token)

    def wait_for(self, token: str, status: str) -> dict[str, Any]:
        """Return the quote when it has ``status``."""

        def found() -> dict[str, Any] | None:
            quote = self.find(token).json()
            return quote if quote["status"] == status else None

        return dict(self.simulator.wait_until(found))
