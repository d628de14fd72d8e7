"""Forms of the demo whose quotes come from the carrier simulator, through the real links, lane and imports."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from batch import service as batch
from batch.changes.mutators.quote_requests import QuoteRequestRow
from batch.context import BatchContext
from catalogue.demo import Sample
from quoting import callbacks, service
from quoting.dispatcher import Dispatcher
from tenants.access import Actor
from tenants.models import Tenant
from tests.harness.callback_receiver import CallbackReceiver
from tests.harness.carrier_lane import InTurn
from tests.harness.carrier_links import add_link
from tests.harness.carrier_simulator import CarrierSimulator
from tests.harness.outboxes import pass_time

MODES = {"QM": "sync", "TT": "callback", "OH": "manual", "LF": "poll", "VC": "sync", "GF": "poll"}


class SimulatedQuotes:
    """One form of a tenant, whose links lead to the simulator. Carriers' callbacks wait at ``receiver``."""

    def __init__(
        self, simulator: CarrierSimulator, receiver: CallbackReceiver, *, tenant: Tenant, actor: Actor, sample: Sample
    ) -> None:
        self.simulator = simulator
        self.receiver = receiver
        self.tenant = tenant
        self.actor = actor
        self.dispatcher = Dispatcher("default", pool=InTurn())
        for carrier, mode in MODES.items():
            add_link(
                carrier, simulator.address(carrier), mode=mode, timeout_seconds=1.0, **simulator.credentials(carrier)
            )
        start = timezone.now().date() + timedelta(days=30)
        dates = dict.fromkeys(("mqs_effective_date", "mqs_expiration_date"), start.isoformat())
        with batch.build_context(scope=tenant, actor=actor, title=sample.id) as context:
            context.changeset.apply_answers({**sample.answers, **dates}, _ready_to_bind(sample.answer_pools))
            context.save()
            self.form_id: UUID = context.form.id

    def work(self, act: Callable[[BatchContext], Any]) -> Any:
        """Do something under the copy's lock, and save."""
        with batch.find_and_lock(self.form_id, scope=self.tenant, actor=self.actor) as context:
            done = act(context)
            context.save()
            return done

    def request(self, *products: str) -> service.RequestedQuotes:
        """Request quotes of ``products``, or of all open ones, and send them."""
        requested: service.RequestedQuotes = self.work(
            lambda context: service.request_quotes(context, products=products or None)
        )
        self.dispatch()
        return requested

    def ask_again(self, product: str) -> None:
        """Ask once more, and send it."""
        self.work(lambda context: service.ask_again(context, self.of(product).id))
        self.dispatch()

    def dispatch(self) -> None:
        """Run due carrier actions."""
        assert self.dispatcher.finish(seconds=20) == 0

    def take_callbacks(self, *, expected: int) -> list[str]:
        """Import the callbacks that were sent, after ``expected`` have come; return what was done with each."""
        self.simulator.wait_until(lambda: len(self.receiver.received) >= expected)
        outcomes = []
        for callback in self.receiver.received:
            _, _, link_id, copy_id = callback.path.split("/")
            taken = callbacks.Callback(
                link_id=UUID(link_id), copy_id=UUID(copy_id), headers=callback.headers, body=callback.body
            )
            try:
                outcomes.append("new" if callbacks.take_callback(taken, correlation_id="c-1") else "known")
            except callbacks.CallbackRefused as refused:
                outcomes.append(refused.code)
        self.receiver.received.clear()
        self.dispatch()
        return outcomes

    def wait_for(self, product: str, state: str) -> QuoteRequestRow:
        """Let time pass until the request of ``product`` has ``state``; return it."""

        def reached() -> QuoteRequestRow | None:
            row = self.of(product)
            if row.state == state:
                return row
            pass_time(86_400)
            self.dispatch()
            return None

        return self.simulator.wait_until(reached)  # type: ignore[no-any-return]

    def of(self, product: str) -> QuoteRequestRow:
        """Return the request of ``product``."""
        (row,) = [row for row in self.rows() if row.product == product]
        return row

    def rows(self) -> list[QuoteRequestRow]:
        """Return all requests."""
        changeset = batch.find_changeset(self.form_id, scope=self.tenant, actor=self.actor)
        return [request.row for request in changeset.quote_requests]


def _ready_to_bind(pools: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a sample with the day of birth that binding needs of owners."""
    owners = [{**row, "answers": {**row["answers"], "mqs_own_dob": "1980-02-03"}} for row in pools.get("owners", [])]
    return {**pools, "owners": owners}


def in_days(number: int) -> date:
    """Return the day in so many days."""
    return timezone.now().date() + timedelta(days=number)
