"""Applies a carrier's decision on a binding to the copy: the policy and all that follows from it, or the refusal.

Called under the copy's lock, by the action that asked and by the import of a carrier's message alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from actions.kinds import CancelQuoteRequest, WithdrawQuotesOfLine
from batch.changes.changeset import Changeset
from batch.changes.mutators.bindings import BindingMutator
from batch.changes.mutators.quote_requests import QuoteRequestMutator
from batch.changes.records import BOUND
from batch.errors import LooksSensitive, WrongValue
from carriers.links.wire import Binding as CarrierBinding
from presentation.product_names import carrier_and_line
from quoting.binding import complete_assistance
from quoting.binding_needs import line_of

#: States in which a quote request is over, or is the policy itself.
ENDED: Final = frozenset({"withdrawn", "bound"})


def receive_binding(changeset: Changeset, message: CarrierBinding) -> bool:
    """Apply the carrier's message about a binding of this copy; return whether it changed anything.

    A message about an unknown bind token, or one after the end, changes nothing.
    """
    binding = next((found for found in changeset.bindings if found.row.bind_token == message.bind_token), None)
    if binding is None or not binding.receive(message):
        return False
    if binding.row.state == "bound":
        _conclude(changeset, binding)
    elif binding.row.state == "refused":
        offer_again(changeset, binding)
    return True


def offer_again(changeset: Changeset, binding: BindingMutator) -> None:
    """Return the quote of a refused binding to the quotes that are offered; a new consent is needed."""
    binding.void_consent("The carrier has refused to bind this quote")
    request = changeset.quote_requests.find(binding.row.quote_request_id)
    if request.row.state == "selected":
        request.deselect()


def withdraw_line(changeset: Changeset, line: str, *, except_for: QuoteRequestMutator | None = None) -> None:
    """Withdraw the copy's other requests of ``line``, at their carriers too: the line is bound."""
    for request in changeset.quote_requests:
        row = request.row
        is_other = except_for is None or row.id != except_for.row.id
        if is_other and row.state not in ENDED and line_of(changeset.catalogue, row.product) == line:
            if row.submitted_at is not None:
                changeset.defer(
                    CancelQuoteRequest(
                        copy_id=str(changeset.tracker.loaded.copy.id), request_id=str(row.id), carrier=row.carrier
                    )
                )
            request.withdraw("Another quote of this line is bound.")


def _conclude(changeset: Changeset, binding: BindingMutator) -> None:
    request = changeset.quote_requests.find(binding.row.quote_request_id)
    number = binding.row.policy_number
    request.bind(policy_number=number)
    line = line_of(changeset.catalogue, request.row.product)
    withdraw_line(changeset, line, except_for=request)
    changeset.defer(WithdrawQuotesOfLine(copy_id=str(changeset.tracker.loaded.copy.id), line=line))
    _lock(changeset, number, by=carrier_and_line(changeset.catalogue, request.row.product)[0])
    if not set(_open_lines(changeset)):
        changeset.dispositions.give(BOUND)
    complete_assistance(changeset, request.row.id)


def _lock(changeset: Changeset, number: str, *, by: str) -> None:
    try:
        changeset.copy.lock(reason=f"Bound: policy {number}", by=by)
    except (LooksSensitive, WrongValue):
        # A carrier's number can look like a personal one, which no free text may contain.
        changeset.copy.lock(reason="Bound", by=by)


def _open_lines(changeset: Changeset) -> Iterator[str]:
    """Yield the requested lines without a policy."""
    lines = changeset.document.answers.get(changeset.catalogue.definition.lines_question)
    requested = lines.value if lines and lines.active and isinstance(lines.value, list) else []
    bound = {
        line_of(changeset.catalogue, request.row.product)
        for request in changeset.quote_requests
        if request.row.state == "bound"
    }
    return (line for line in requested if line not in bound)
