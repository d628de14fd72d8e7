"""Quote requests as people and programs make them: request, ask again, select, withdraw, enter by hand, bridge.

Each function changes ``context.changeset`` under the copy's lock, and the caller saves: then the deferred actions that
it emits are stored, and a carrier is called by the machinery alone.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeAlias
from uuid import UUID

import msgspec

from actions.kinds import BridgeToCarrier, CancelQuoteRequest, SubmitQuoteRequest
from batch.changes.mutators.quote_requests import QuoteRequestMutator, QuoteRequestRow
from batch.changes.mutators.subjectivities import SubjectivityMutator
from batch.context import BatchContext
from batch.errors import CopyIsDeleted, CopyIsLocked, UnknownProduct, UnknownRecord
from carriers.links.errors import LinkError
from carriers.links.link import LinkMode
from carriers.links.selectors import find_link, portal_of
from carriers.links.wire import Quote
from forms.states import OPEN_OUTCOMES
from quoting.gates import gates_of
from quoting.permissions import Gate
from quoting.refusals import CannotBeQuoted, NoManualEntry, NoPortal, UnknownQuoteRequest, UnknownSubjectivity
from quoting.sending import NotSendable, check_copy, check_product, goes_to_simulator, record_submission

#: States of a request that is sent again when quotes are requested: it ended without a quote that counts.
_ENDED: Final = frozenset({"draft", "failed", "stale", "expired"})
#: Why a request in another state is left as it is.
_LEFT: Final = {
    "queued": ("running", "This quote is on its way to the carrier."),
    "submitted": ("running", "The carrier is working on this quote."),
    "estimated": ("running", "The carrier has sent an estimate and is working on the quote."),
    "referred": ("running", "An underwriter of the carrier is deciding."),
    "quoted": ("already_quoted", "There is a current quote of this product."),
    "selected": ("already_quoted", "There is a current quote of this product, and it is selected."),
    "declined": ("carrier_declined", "The carrier has declined these answers. You can ask again."),
    "blocked": ("blocked", "Another agent holds this account at the carrier."),
    "bound": ("bound", "This product is bound."),
}


#: What happens with a request that may be sent.
Act: TypeAlias = Callable[[BatchContext, QuoteRequestMutator], QuoteRequestMutator]


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a product was not requested; ``code`` is the stable name of the reason."""

    code: str
    text: str


@dataclass(frozen=True, kw_only=True)
class RequestedQuotes:
    """The requests that are queued or prepared now, and the products that were refused."""

    requested: tuple[QuoteRequestMutator, ...]
    refused: dict[str, Refusal]


def request_quotes(context: BatchContext, *, products: Iterable[str] | None = None) -> RequestedQuotes:
    """Queue a request for each of ``products``, by default for all open ones; the refused ones are returned with the
    reason. Raises ``CopyIsLocked``, ``CopyIsDeleted``, and ``CannotBeQuoted`` for a form that is archived or bound.
    """
    return _for_products(context, products, _queue_in_place)


def prepare_quotes(context: BatchContext, *, products: Iterable[str] | None = None) -> RequestedQuotes:
    """Prepare a draft for each of ``products`` as ``request_quotes`` requests them: nothing is sent to a carrier until
    a person requests quotes. A request that would be sent again remains as it is. Raises as ``request_quotes`` does.
    """
    return _for_products(context, products, lambda _, request: request)


def _for_products(context: BatchContext, products: Iterable[str] | None, act: Act) -> RequestedQuotes:
    _require_open(context)
    _, evaluation = context.current_view()
    is_open = [code for code, outcome in evaluation.eligibility.items() if outcome.outcome in OPEN_OUTCOMES]
    gates = gates_of(context)
    requested: list[QuoteRequestMutator] = []
    refusals: dict[str, Refusal] = {}
    for product in dict.fromkeys(is_open if products is None else products):
        try:
            requested.append(act(context, _sendable(context, product, gates)))
        except NotSendable as refused:
            refusals[product] = Refusal(code=refused.code, text=refused.text)
        except UnknownProduct as unknown:
            refusals[product] = Refusal(code=unknown.code, text=str(unknown))
    return RequestedQuotes(requested=tuple(requested), refused=refusals)


def ask_again(context: BatchContext, request_id: UUID | str) -> QuoteRequestMutator:
    """Queue a request that the carrier has answered, or not taken, once more: with a new request token, and its
    reference as the one that is replaced.

    Raises ``UnknownQuoteRequest``, ``CopyIsLocked``, ``CopyIsDeleted``, ``CannotBeQuoted`` where it must not be sent,
    ``WrongState`` while it is running.
    """
    request = find_request(context, request_id)
    _require_open(context)
    try:
        check_product(context, request.row.product, gates=gates_of(context))
    except NotSendable as refused:
        raise CannotBeQuoted(refused.code, refused.text) from refused
    return _queue(context, request)


def withdraw(context: BatchContext, request_id: UUID | str, *, reason: str = "") -> QuoteRequestMutator:
    """Withdraw a request, at the carrier too if it may know of it. Raises ``UnknownQuoteRequest``, ``WrongState``."""
    request = find_request(context, request_id)
    is_known = request.row.submitted_at is not None
    request.withdraw(reason)
    if is_known:
        context.changeset.defer(CancelQuoteRequest(**_names(context, request)))
    return request


def select(context: BatchContext, request_id: UUID | str) -> QuoteRequestMutator:
    """Select a quote for binding, instead of the one of the same line that was selected before.

    Raises ``UnknownQuoteRequest``, ``WrongState`` for one that is stale or has expired, ``NotBindable``.
    """
    request = find_request(context, request_id)
    request.select()
    for other in context.changeset.quote_requests:
        is_other = other.id != request.id and other.row.state == "selected"
        if is_other and _line_of(context, other.row) == _line_of(context, request.row):
            other.deselect()
    details = {"product": request.row.product, "quote_request": str(request.id)}
    context.changeset.events.add("quote_request_selected", details=details)
    return request


def deselect(context: BatchContext, request_id: UUID | str) -> QuoteRequestMutator:
    """Undo the selection of a quote. Raises ``UnknownQuoteRequest``, ``WrongState``."""
    request = find_request(context, request_id)
    request.deselect()
    return request


def enter_answer(context: BatchContext, request_id: UUID | str, quote: Quote) -> QuoteRequestMutator:
    """Enter by hand what the underwriter of a carrier without a system said; applied as a carrier's message.

    ``quote`` gets token, product and sequence of the request. Raises ``UnknownQuoteRequest``, ``NoManualEntry``,
    ``WrongState`` where the request is not at the carrier.
    """
    request = find_request(context, request_id)
    row = request.row
    if _mode_of(context, row) is not LinkMode.MANUAL:
        raise NoManualEntry
    if row.state == "queued":
        record_submission(context, request)
    entered = msgspec.structs.replace(
        quote,
        request_token=request.row.request_token,
        product=row.product,
        reference=quote.reference or row.carrier_reference,
        sequence=request.row.sequence + 1,
    )
    if not request.receive(entered):
        request.require_at_carrier()
    return request


def bridge(context: BatchContext, request_id: UUID | str) -> str:
    """Return the address at which the agent goes on at the carrier's own pages; the bridge is recorded as an event.

    Raises ``UnknownQuoteRequest``, ``NoPortal``, and ``CannotBeQuoted`` for a test form whose carrier is no simulator.
    """
    request = find_request(context, request_id)
    row = request.row
    url = portal_of(context.form.catalogue, row.carrier, tenant=context.scope)
    if not url:
        raise NoPortal
    if context.form.is_test and not goes_to_simulator(context, row.carrier):
        raise CannotBeQuoted("test_form", "This is a test form, and these are the pages of a real carrier.")
    context.changeset.defer(
        BridgeToCarrier(
            **_names(context, request),
            product=row.product,
            url=url,
            bridge_id=secrets.token_hex(8),
            bridged_by=context.save_context.actor.label,
        )
    )
    return url


def set_done(
    context: BatchContext, request_id: UUID | str, subjectivity_id: UUID | str, *, is_done: bool
) -> SubjectivityMutator:
    """Record that a subjectivity is done, or not done. Raises ``UnknownQuoteRequest``, ``UnknownSubjectivity``,
    ``WrongState`` for one that the carrier no longer requires.
    """
    request = find_request(context, request_id)
    for subjectivity in context.changeset.subjectivities.of_quote(request.id):
        if str(subjectivity.id) == str(subjectivity_id):
            subjectivity.mark_done() if is_done else subjectivity.mark_undone()
            return subjectivity
    raise UnknownSubjectivity


def find_request(context: BatchContext, request_id: UUID | str) -> QuoteRequestMutator:
    """Return the quote request with this id on the copy. Raises ``UnknownQuoteRequest``."""
    try:
        return context.changeset.quote_requests.find(request_id)
    except UnknownRecord as error:
        raise UnknownQuoteRequest from error


def is_over(row: QuoteRequestRow, today: date) -> bool:
    """Return whether the validity of a quote has ended, before it is recorded as expired."""
    return row.state in ("estimated", "quoted", "selected") and row.valid_until is not None and row.valid_until < today


def _sendable(context: BatchContext, product: str, gates: dict[str, Gate]) -> QuoteRequestMutator:
    """Return the latest request of ``product``, which may be sent again, or a new draft. Raises ``NotSendable``,
    ``UnknownProduct``.
    """
    check_product(context, product, gates=gates)
    present = [one for one in context.changeset.quote_requests if one.row.product == product]
    present = [one for one in present if one.row.state != "withdrawn"]
    if not present:
        return context.changeset.quote_requests.request(product)
    latest = present[-1]
    row, today = latest.row, context.save_context.today
    if row.state not in _ENDED and not is_over(row, today):
        raise NotSendable(*_LEFT[row.state])
    return latest


def _require_open(context: BatchContext) -> None:
    """Raise ``CopyIsLocked``, ``CopyIsDeleted`` or ``CannotBeQuoted`` for a copy that is not quoted any more."""
    fields = context.copy.fields
    if fields.deleted_at is not None:
        raise CopyIsDeleted
    if fields.locked_at is not None:
        raise CopyIsLocked(by=fields.locked_by_label, since=fields.locked_at, reason=fields.lock_reason)
    try:
        check_copy(context)
    except NotSendable as refused:
        raise CannotBeQuoted(refused.code, refused.text) from refused


def _queue_in_place(context: BatchContext, request: QuoteRequestMutator) -> QuoteRequestMutator:
    """Queue a request that may be sent, also in place of a quote that was selected and is over."""
    if request.row.state == "selected":
        request.deselect()
    return _queue(context, request)


def _queue(context: BatchContext, request: QuoteRequestMutator) -> QuoteRequestMutator:
    request.queue()
    context.changeset.defer(SubmitQuoteRequest(**_names(context, request)))
    return request


def _names(context: BatchContext, request: QuoteRequestMutator) -> dict[str, str]:
    return {"copy_id": str(context.copy.id), "request_id": str(request.id), "carrier": request.row.carrier}


def _line_of(context: BatchContext, row: QuoteRequestRow) -> str:
    known = context.release.compiled.products.get(row.product)
    return known.product.line if known else row.product


def _mode_of(context: BatchContext, row: QuoteRequestRow) -> LinkMode | None:
    try:
        return find_link(context.form.catalogue, row.carrier, tenant=context.scope).mode
    except LinkError:
        return None
