"""Quoting over real HTTP: the demo's samples, links to the running simulator, and a dispatcher in the test's thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

from django.conf import settings

from batch import service as batch
from batch.changes.mutators.quote_requests import QuoteRequestRow
from catalogue.demo import Sample
from quoting.dispatcher import Dispatcher
from quoting.service import request_quotes
from tenants.access import Actor, Right
from tenants.models import Tenant
from tests.harness.carrier_lane import InTurn
from tests.harness.carrier_links import add_link
from tests.harness.carrier_simulator import CarrierSimulator
from tests.harness.outboxes import pass_time
from tests.harness.tiers import PATIENCE

CARRIERS: Final = ("QM", "TT", "OH", "LF", "VC", "GF")
AGENT: Final = Actor(type="user", id=str(UUID(int=9)), source="api", label="Robin Agent", rights=frozenset(Right))


@dataclass
class Quoting:
    """A tenant whose links lead to the simulator."""

    tenant: Tenant
    simulator: CarrierSimulator
    dispatcher: Dispatcher = field(default_factory=lambda: Dispatcher("default", pool=InTurn()))

    def link_up(self, **changes: Any) -> None:
        """Link all carriers; ``changes`` are settings of their links."""
        settings.CARRIERS = replace(settings.CARRIERS, allowed_networks=("127.0.0.0/8",))
        for carrier in CARRIERS:
            known = self.simulator.credentials(carrier)
            mode = self.simulator.behave(carrier)["mode"]
            add_link(carrier, self.simulator.address(carrier), **{**known, "mode": mode, **changes})

    def save(self, sample: Sample) -> UUID:
        """Return the id of a new form with the sample's answers."""
        with batch.build_context(scope=self.tenant, actor=AGENT, as_of=sample.as_of) as context:
            context.changeset.apply_answers(sample.answers, sample.answer_pools)
            context.save()
            return context.copy.id

    def request(self, copy_id: UUID, *products: str) -> None:
        """Request quotes of ``products``, by default of all open ones."""
        with batch.find_and_lock(copy_id, scope=self.tenant, actor=AGENT) as context:
            request_quotes(context, products=products or None)
            context.save()

    def rows(self, copy_id: UUID) -> dict[str, QuoteRequestRow]:
        """Return the quote requests by product."""
        changeset = batch.find_changeset(copy_id, scope=self.tenant, actor=AGENT)
        return {request.row.product: request.row for request in changeset.quote_requests}

    def states(self, copy_id: UUID) -> dict[str, str]:
        """Return the states by product."""
        return {product: row.state for product, row in self.rows(copy_id).items()}

    def run(self, until: Callable[[], Any], *, seconds: float = PATIENCE) -> None:
        """Dispatch until ``until`` holds; what waits for its time is let wait no longer."""
        ends = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < ends, "it did not happen in time"
            if not self.dispatcher.turn() and not self.dispatcher._jobs:
                pass_time(120)
                time.sleep(0.02)

    def settle(self, copy_id: UUID, *, into: set[str]) -> dict[str, QuoteRequestRow]:
        """Dispatch until all requests of the copy are in one of the states ``into``; return them."""
        self.run(lambda: set(self.states(copy_id).values()) <= into)
        return self.rows(copy_id)
