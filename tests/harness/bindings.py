"""Quotes that are ready to be bound, and consents to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from batch import service as batch
from batch.context import BatchContext
from carriers.links.wire import SubjectivityKind, WireSubjectivity
from quoting import binding
from rules.payload import payload_hash, quote_payload
from tenants.access import Actor, system_actor
from tenants.models import Tenant
from tests.harness.quotes import quote_of

#: The answers with which PA-CARE of the kennel catalogue needs nothing more to be bound.
TO_BIND = {"owner_ssn": "987-65-4321"}


def offer(copy_id: UUID, *, scope: Tenant, actor: Actor, product: str = "PA-CARE", **values: Any) -> UUID:
    """Record a bindable quote of ``product``; return the id of its request."""
    with batch.find_and_lock(copy_id, scope=scope, actor=actor) as context:
        request = context.changeset.quote_requests.request(product)
        request.queue()
        context.save()
        changeset, evaluation = context.current_view()
        request = context.changeset.quote_requests.find(request.id)
        payload = quote_payload(changeset.catalogue, changeset.document, product, evaluation=evaluation)
        request.submit(payload_hash=payload_hash(payload, request.row.request_token))
        context.save()
        request = context.changeset.quote_requests.find(request.id)
        request.receive(quote_of(request, **{"reference": "PA-1", **values}))
        context.save()
        return request.id


def given(wording_hash: str, **values: Any) -> binding.GivenConsent:
    """Return the consent of the insured to the wording with this hash."""
    return binding.GivenConsent(wording_hash=wording_hash, accepted_by="Pat Example", **values)


def prepared(copy_id: UUID, quote_id: UUID, *, scope: Tenant, actor: Actor) -> binding.Preparation:
    """Return what is known about binding the quote."""
    return binding.prepare(batch.find(copy_id, scope=scope, actor=actor), quote_id)


def change(copy_id: UUID, act: Callable[[BatchContext], object], *, scope: Tenant, actor: Actor) -> None:
    """Let ``act`` change the copy, and save it."""
    with batch.find_and_lock(copy_id, scope=scope, actor=actor) as context:
        act(context)
        context.save()


def consent(copy_id: UUID, quote_id: UUID, *, scope: Tenant, actor: Actor) -> None:
    """Record the consent of the insured to the present wording."""

    def give(context: BatchContext) -> None:
        wording_hash = binding.prepare(context, quote_id).wording_hash
        binding.give_consent(context, quote_id, given(wording_hash))

    change(copy_id, give, scope=scope, actor=actor)


def request_bind(copy_id: UUID, quote_id: UUID, *, scope: Tenant, actor: Actor) -> None:
    """Request the carrier to bind the quote, to which the insured has consented."""
    change(copy_id, lambda context: binding.bind(context, quote_id), scope=scope, actor=actor)


def make_busy(copy_id: UUID, obstacle: str, *, scope: Tenant, actor: Actor, product: str = "PA-CARE") -> None:
    """Lock the copy (``obstacle`` "lock"), or let a carrier bind a quote of it ("binding")."""
    if obstacle == "lock":
        change(copy_id, lambda context: context.changeset.copy.lock(reason="Audit"), scope=scope, actor=actor)
        return
    quote_id = offer(copy_id, scope=scope, actor=system_actor("carriers"), product=product)

    def request(context: BatchContext) -> None:
        context.changeset.bindings.of(quote_id).request(reference="PA-1", payment_plan="")

    change(copy_id, request, scope=scope, actor=actor)


def require(context: BatchContext, quote_id: UUID, *, text: str = "Signed application", **values: Any) -> None:
    """Let the carrier require something before it binds."""
    wanted = WireSubjectivity(code="sign", kind=SubjectivityKind.SIGN, text=text, **values)
    context.changeset.subjectivities.receive(quote_id, [wanted], find_source=lambda field: None)
