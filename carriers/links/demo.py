"""The links of the demo: every carrier of a catalogue at the simulator."""

from __future__ import annotations

from carriers.demo_credentials import CLIENT_ID, demo_callback_secret, demo_client_secret
from carriers.link_models import CarrierLink
from carriers.links.link_secrets import set_secret
from carriers.models import Carrier


def create_demo_links(catalogue: str, *, simulator_url: str) -> int:
    """Create the missing links of the catalogue's carriers, which lead to the simulator; return their number.

    The address of existing ones follows the simulator, whose port may change between two starts.
    """
    existing = {row.carrier: row for row in CarrierLink.objects.filter(catalogue=catalogue, tenant=None)}
    missing = [row for row in Carrier.objects.filter(catalogue=catalogue) if row.code not in existing]
    for row in existing.values():
        address = _address(simulator_url, row.carrier)
        if row.client_id == CLIENT_ID and row.base_url != address:
            row.base_url = address
            row.save(update_fields=["base_url"])
    for carrier in missing:
        link = CarrierLink(
            catalogue=catalogue,
            carrier=carrier.code,
            base_url=_address(simulator_url, carrier.code),
            client_id=CLIENT_ID,
            is_simulator=True,
            # A carrier that responds in the call may take as long as its slow responses do.
            timeout_seconds=max(15.0, min(2 * carrier.p95_seconds, 60.0)),
            slow_seconds=max(5.0, min(1.5 * carrier.p95_seconds, 50.0)),
        )
        set_secret(link, "client_secret", demo_client_secret(carrier.code))
        set_secret(link, "callback_secret", demo_callback_secret(carrier.code))
        link.save(force_insert=True)
    return len(missing)


def _address(simulator_url: str, carrier: str) -> str:
    return f"{simulator_url.rstrip('/')}/{carrier}"
