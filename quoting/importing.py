"""Imports what carriers report, from replies and from callbacks: the one place where a quote enters a copy.

Works on the changeset under the copy's lock; the caller saves. Repeated and older messages change nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias, TypeVar

import msgspec
import structlog
from django.db.models.functions import Now

from actions.kinds import CancelQuoteRequest, RefreshQuoteRequest
from actions.registry import Budget, Delivered
from batch.changes.mutators.quote_requests import QuoteRequestMutator
from batch.context import BatchContext
from carriers.links.wire import Binding, Quote, QuoteStatus, QuoteUpdated, parse_callback
from quoting.carrier_actions import CarrierAction, CarrierCall
from quoting.message_models import CarrierMessage

#: What a carrier decides later by itself.
UNDECIDED: Final = frozenset({QuoteStatus.RECEIVED, QuoteStatus.ESTIMATED, QuoteStatus.REFERRED})
#: What needs no withdrawal at the carrier.
_OVER: Final = frozenset({QuoteStatus.DECLINED, QuoteStatus.EXPIRED, QuoteStatus.WITHDRAWN, QuoteStatus.BLOCKED})

BUDGET: Final = Budget(tries=12, first=0.5, most=600.0)
APPLIED, OLDER, UNKNOWN, UNREADABLE = "applied", "older", "unknown", "unreadable"

T = TypeVar("T")
#: Imports one type of callback into the copy; returns what it did.
MessageImport: TypeAlias = Callable[[BatchContext, Any], str]

log = structlog.get_logger(__name__)
_imports: dict[type, MessageImport] = {}


class ImportRegisteredTwice(Exception):
    """This type of callback has its import already."""

    def __init__(self, kind: type) -> None:
        super().__init__(f"Callbacks of the type {kind.__name__} have their import already.")


def imports(kind: type) -> Callable[[MessageImport], MessageImport]:
    """Import callbacks of this type by the decorated function. Raises ``ImportRegisteredTwice``."""

    def register(import_message: MessageImport) -> MessageImport:
        if kind in _imports:
            raise ImportRegisteredTwice(kind)
        _imports[kind] = import_message
        return import_message

    return register


def import_quote(context: BatchContext, request: QuoteRequestMutator, quote: Quote) -> str:
    """Record the carrier's ``quote`` in ``request``, poll on while it is undecided; return what was done.

    A request that was withdrawn meanwhile is withdrawn at the carrier too.
    """
    row = request.row
    names: dict[str, str] = {"copy_id": str(context.copy.id), "request_id": str(row.id), "carrier": row.carrier}
    if row.state == "withdrawn":
        if quote.status not in _OVER:
            context.changeset.defer(CancelQuoteRequest(**names))
        return OLDER
    if not request.receive(quote):
        return OLDER
    if quote.status in UNDECIDED:
        context.changeset.defer(RefreshQuoteRequest(**names))
    return APPLIED


def import_updated_quote(context: BatchContext, message: QuoteUpdated) -> str:
    """Import the quote of a callback, found by its request token."""
    for request in context.changeset.quote_requests:
        if request.row.request_token == message.data.request_token:
            return import_quote(context, request, message.data)
    return UNKNOWN


class MessageImportation(CarrierAction[None]):
    """Imports a stored callback. It calls no carrier, so all of it happens in the step of preparation."""

    def prepare(self, context: BatchContext, action: Delivered) -> CarrierCall[None] | None:
        """Import the message into the copy; nothing is left to call."""
        # Also one that was imported before: what is recorded here may be of a save that failed.
        message = CarrierMessage.objects.filter(pk=action.payload["message_id"]).first()
        if message is None:
            return None
        outcome = _import(context, message)
        CarrierMessage.objects.filter(pk=message.pk).update(imported_at=Now(), outcome=outcome)
        log.info("carrier_message_imported", carrier=message.carrier, outcome=outcome)
        return None


def _import(context: BatchContext, message: CarrierMessage) -> str:
    try:
        callback = parse_callback(message.body.encode())
    except (msgspec.MsgspecError, ValueError):
        return UNREADABLE
    import_message = _imports.get(type(callback))
    if import_message is None or not _may_report(context, message.carrier, callback.data):
        return UNKNOWN
    return import_message(context, callback)


def _may_report(context: BatchContext, carrier: str, data: Quote | Binding) -> bool:
    """Return whether what ``data`` names is the carrier's own: the signature is only that of some carrier."""
    requests = {request.row.id: request.row for request in context.changeset.quote_requests}
    if isinstance(data, Quote):
        named = [row for row in requests.values() if row.request_token == data.request_token]
    else:
        bindings = [found.row for found in context.changeset.bindings if found.row.bind_token == data.bind_token]
        named = [requests[row.quote_request_id] for row in bindings if row.quote_request_id in requests]
    return all(row.carrier == carrier for row in named)
