"""Fair shares between tenants with waiting work: weighted, and no worker idles while anybody's work waits. Pure.

Each tenant has a virtual time, which advances by the work it got divided by its weight; the tenant with the least is
served next. A tenant whose work begins to wait starts at the present virtual time: it saves up nothing while it has
none, and is served at once (docs/adr/0040).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from uuid import UUID


class FairShares:
    """The virtual times of the tenants that one process serves; its threads may share one object."""

    def __init__(self) -> None:
        """Begin with no tenant."""
        self._guard = threading.Lock()
        self._times: dict[UUID, float] = {}
        self._now = 0.0

    def order(self, weights: Mapping[UUID, int]) -> list[UUID]:
        """Return the tenants with waiting work, by their ``weights``, in the order in which to serve them."""
        with self._guard:
            self._times = {tenant: max(self._times.get(tenant, self._now), self._now) for tenant in weights}
            # Of equals the heavier one first, so that the weights hold from the beginning.
            return sorted(weights, key=lambda tenant: (self._times[tenant], -weights[tenant], tenant))

    def charge(self, tenant: UUID, amount: float, *, weight: int) -> None:
        """Record that ``tenant`` got ``amount`` of work, such as a number of rows."""
        with self._guard:
            began = self._times.get(tenant, self._now)
            self._now = max(self._now, min([began, *self._times.values()]))
            self._times[tenant] = began + amount / max(1, weight)


def quotas(order: list[UUID], weights: Mapping[UUID, int], *, limit: int) -> dict[UUID, int]:
    """Return how many of ``limit`` rows each tenant may get in one claim: by weight, at least one, in ``order``."""
    total = sum(weights[tenant] for tenant in order)
    shares: dict[UUID, int] = {}
    left = limit
    for tenant in order:
        if left <= 0:
            break
        shares[tenant] = min(left, max(1, round(limit * weights[tenant] / total)))
        left -= shares[tenant]
    return shares
