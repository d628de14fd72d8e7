"""Withdraws quote requests at their carriers, as best as it can: the request is withdrawn here in any case."""

from __future__ import annotations

from typing import Final

from actions.registry import Budget, Delivered
from batch.context import BatchContext
from carriers.links.client import CarrierClient
from carriers.links.errors import CarrierRefused
from quoting.action_targets import call_context, link_for, request_of
from quoting.carrier_actions import CarrierAction, CarrierCall

BUDGET: Final = Budget(tries=10, first=5.0, most=3_600.0)


class Cancellation(CarrierAction[None]):
    """Withdraws one quote request at its carrier; nothing is recorded here."""

    locks_to_prepare = False

    def prepare(self, context: BatchContext, action: Delivered) -> CarrierCall[None] | None:
        """Return the withdrawal of a request that is withdrawn here and may be known there."""
        request = request_of(context, action)
        if request is None or request.row.state != "withdrawn" or request.row.submitted_at is None:
            return None
        row, called = request.row, call_context(action)

        async def make(client: CarrierClient) -> None:
            reference = row.carrier_reference
            if not reference and (known := await client.find(row.request_token, context=called)) is not None:
                reference = known.reference
            if reference:
                await client.withdraw(reference, context=called)

        return CarrierCall(link=link_for(context, row.carrier), make=make)

    def refuse(self, context: BatchContext, action: Delivered, error: CarrierRefused) -> None:
        """Accept that the carrier has nothing to withdraw (any more)."""
