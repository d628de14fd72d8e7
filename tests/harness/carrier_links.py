"""Links of carriers for tests, as values and as rows, and the traffic log in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from carriers.link_models import CarrierLink
from carriers.links.link import CallContext, Link, LinkMode
from carriers.links.link_secrets import set_secret
from carriers.links.traffic import CallRecord
from tenants.models import Tenant
from tests.harness.cast import DEMO

CLIENT_SECRET = "canary-client-secret-91"
CALLBACK_SECRET = "whsec_Y2FuYXJ5LWNhbGxiYWNrLXNlY3JldC1vZi0zMi1i"
NO_CONTEXT = CallContext(tenant_id=UUID(int=7))


def link_to(url: str, **fields: Any) -> Link:
    """Return a link to ``url``, fast enough for tests."""
    settings = {
        "id": uuid4(), "catalogue": DEMO, "carrier": "QM", "mode": LinkMode.SYNC, "client_id": "partner",
        "client_secret": CLIENT_SECRET, "callback_secrets": (CALLBACK_SECRET,), "per_minute": 60_000,
        "timeout_seconds": 5.0, "slow_seconds": 4.0, "most_in_flight": 50, **fields,
    }  # fmt: skip
    return Link(base_url=url, **settings)


def add_link(carrier: str, url: str, *, tenant: Tenant | None = None, **fields: Any) -> CarrierLink:
    """Store and return the settings of the link to ``carrier`` at ``url``; of all tenants unless one is named."""
    defaults = {"per_minute": 60_000, "timeout_seconds": 5.0, "slow_seconds": 4.0, "most_in_flight": 50}
    row = CarrierLink(
        catalogue=fields.pop("catalogue", DEMO),
        carrier=carrier,
        tenant=tenant,
        base_url=url,
        client_id=fields.pop("client_id", "partner"),
    )
    set_secret(row, "client_secret", fields.pop("client_secret", CLIENT_SECRET))
    set_secret(row, "callback_secret", fields.pop("callback_secret", CALLBACK_SECRET))
    for name, value in {**defaults, **fields}.items():
        setattr(row, name, value)
    row.save()
    return row


@dataclass
class MemoryLog:
    """The traffic log of one test: its records are not written."""

    records: list[CallRecord] = field(default_factory=list)

    def add(self, record: CallRecord) -> None:
        """Keep ``record``."""
        self.records.append(record)
