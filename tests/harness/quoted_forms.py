"""Puts quotes on a form without a carrier: requests that are submitted, and answers as a carrier would send them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from batch import service as batch
from carriers.links.wire import Change, Premium, Quote, QuoteStatus, Reason, SubjectivityKind, WireSubjectivity
from rules.payload import payload_hash, quote_payload
from tenants.access import Actor
from tenants.models import Tenant

#: The limit that a carrier lowers, in words of the demo.
LOWERED = Change(field="limit", asked="c1m", offered="c500", reason="no MFA")
SIGNATURE = WireSubjectivity(
    code="S1", kind=SubjectivityKind.SIGN, text="Sign the application", due_on=date(2026, 6, 20)
)


def submit(copy_id: UUID | str, product: str, *, scope: Tenant, actor: Actor) -> str:
    """Request a quote of ``product``, submitted with the present answers; return the request's id."""
    with batch.find_and_lock(UUID(str(copy_id)), scope=scope, actor=actor) as context:
        request = context.changeset.quote_requests.request(product)
        request.queue()
        changeset, evaluation = context.current_view()
        payload = quote_payload(context.release.compiled, changeset.document, product, evaluation=evaluation)
        request.submit(
            payload_hash=payload_hash(payload, request.row.request_token),
            asked=payload.asked,
            indication=evaluation.eligibility[product].premium,
        )
        identity = str(request.id)
        context.save()
    return identity


def answer(
    copy_id: UUID | str, request_id: str, *, scope: Tenant, actor: Actor, premium: int = 0, **values: Any
) -> None:  # fmt: skip
    """Let the carrier quote ``premium``; ``values`` replace fields of its message."""
    now = datetime.now(UTC)
    with batch.find_and_lock(UUID(str(copy_id)), scope=scope, actor=actor) as context:
        request = context.changeset.quote_requests.find(request_id)
        message = {
            "reference": f"R-{request_id[-6:]}",
            "request_token": request.row.request_token,
            "product": request.row.product,
            "status": QuoteStatus.QUOTED,
            "updated_at": now,
            "sequence": request.row.sequence + 1,
            "premium": Premium(amount=premium) if premium else None,
            "is_bindable": bool(premium),
            "valid_until": (now + timedelta(days=30)).date() if premium else None,
            **values,
        }
        assert request.receive(Quote(**message))
        context.save()


def decline(copy_id: UUID | str, request_id: str, text: str, *, scope: Tenant, actor: Actor) -> None:
    """Let the carrier decline with one reason."""
    reasons = (Reason(code="D1", text=text),)
    answer(copy_id, request_id, scope=scope, actor=actor, status=QuoteStatus.DECLINED, reasons=reasons)
