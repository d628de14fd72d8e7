"""Finds the quote request of a carrier action, and the link and the context of a call about it."""

from __future__ import annotations

from uuid import UUID

from actions.registry import Delivered, PermanentFailure
from batch.changes.mutators.quote_requests import QuoteRequestMutator
from batch.context import BatchContext
from carriers.links.errors import LinkError
from carriers.links.link import CallContext, Link
from carriers.links.selectors import find_link
from rules.payload import Payload


def request_of(context: BatchContext, action: Delivered) -> QuoteRequestMutator | None:
    """Return the quote request that ``action`` names, None if the copy does not have it any more."""
    wanted = UUID(action.payload["request_id"])
    return next((request for request in context.changeset.quote_requests if request.row.id == wanted), None)


def link_for(context: BatchContext, carrier: str) -> Link:
    """Return the link to ``carrier``. Raises ``PermanentFailure`` where it is missing or turned off, and for a test
    form where it leads to no simulator.
    """
    try:
        link = find_link(context.form.catalogue, carrier, tenant=context.scope)
    except LinkError as error:
        raise PermanentFailure(str(error)) from error
    if context.form.is_test and not link.is_simulator:
        raise PermanentFailure("Test forms are sent to simulators only.")
    return link


def call_context(action: Delivered, *, payload: Payload | None = None) -> CallContext:
    """Return the context of a call for ``action``; ``payload`` is what is sent."""
    request_id = action.payload.get("request_id")
    return CallContext(
        tenant_id=action.tenant.pk,
        copy_id=UUID(action.payload["copy_id"]),
        request_id=UUID(request_id) if request_id else None,
        correlation_id=action.correlation_id,
        logged_body=payload.logged if payload is not None else None,
    )
