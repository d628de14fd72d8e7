"""An agency in the middle of its work: forms in every status, quotes, plans, a guest, operations and a webhook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

from django.utils import timezone

from batch import service as batch
from carriers.links.wire import QuoteStatus, Reason
from catalogue.demo import read_samples
from forms.models import QuoteRequest
from forms.states import OPEN_OUTCOMES
from operations.engine.worker import drain
from operations.submission.order import NewOperation, Options
from operations.submission.submit import submit as submit_operation
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tests.harness.guests import issue
from tests.harness.quoted_forms import SIGNATURE, answer, decline, submit
from webhooks.models import WebhookEndpoint

#: Other plans of the restaurant, and the answers in which they differ from the base.
PLANS: Final[Mapping[str, dict[str, Any]]] = {
    "Bar-heavy plan": {"mqs_gl_liquor_pct": 35},
    "Higher limit": {"mqs_gl_limit": "l2m", "mqs_bop_deductible": "d2500"},
}


@dataclass(frozen=True, kw_only=True)
class AgencyWorld:
    """Ids of what there is: copies by what is remarkable about them, one quote, operations, a guest link, an endpoint.

    ``guest_secret`` opens the guest link, which is to the copy ``waiting``.
    """

    restaurant: UUID
    quote: UUID
    running: UUID
    stale: UUID
    bound: UUID
    locked: UUID
    waiting: UUID
    deleted: UUID
    operation: UUID
    dry_run: UUID
    endpoint: UUID
    guest_link: UUID
    guest_secret: str


def make_world(owner: User) -> AgencyWorld:
    """Make the agency's work; operations must be switched on."""
    assert owner.tenant is not None
    by: dict[str, Any] = {"scope": owner.tenant, "actor": owner.as_actor(source="web")}
    restaurant = _form("S1", **by)
    _plans(restaurant, **by)
    quote = _quotes(restaurant, **by)
    running, stale, bound = (_form(code, **by) for code in ("S5", "S3", "S4"))
    requests = {copy_id: _request_first(copy_id, **by) for copy_id in (running, stale, bound)}
    answer(stale, requests[stale], premium=3432, **by)
    locked, waiting, deleted = _form("S7", **by), _form("S11", **by), _form("S10", **by)
    for copy_id, reason in ((bound, "Bound: policy P-77"), (locked, "The audit of last year is not finished.")):
        with batch.find_and_lock(copy_id, **by) as context:
            context.changeset.copy.lock(reason=reason)
            context.save()
    with use_tenant(owner.tenant):
        QuoteRequest.objects.filter(copy_id=stale).update(state="stale", reason="Gross revenue changed")
        QuoteRequest.objects.filter(copy_id=bound).update(state="bound", policy_number="P-77", premium=28_928)
    guest_link, secret = issue(owner.tenant, waiting, actor=by["actor"], name="Gus Miller")
    # The operation leaves the quotes of the others in force.
    operation = _operation((waiting, locked), is_try=False, **by)
    dry_run = _operation((restaurant, locked, running), is_try=True, **by)
    with batch.find_and_lock(deleted, **by) as context:
        context.changeset.application_form.archive()
        context.save()
    return AgencyWorld(
        restaurant=restaurant, quote=quote, running=running, stale=stale, bound=bound, locked=locked,
        waiting=waiting, deleted=deleted, operation=operation, dry_run=dry_run, endpoint=_endpoint(owner.tenant),
        guest_link=guest_link, guest_secret=secret,
    )  # fmt: skip


def _form(code: str, *, scope: Tenant, actor: Actor) -> UUID:
    """Start the form of a sample; return its copy."""
    sample = next(found for found in read_samples() if found.id == code)
    with batch.build_context(scope=scope, actor=actor, as_of=sample.as_of) as context:
        context.changeset.apply_answers(sample.answers, sample.answer_pools)
        context.save()
        return context.copy.id


def _plans(base: UUID, *, scope: Tenant, actor: Actor) -> None:
    for title, answers in PLANS.items():
        with batch.build_copy(base, scope=scope, actor=actor, title=title) as context:
            context.save()
            copy_id = context.copy.id
        with batch.find_and_lock(copy_id, scope=scope, actor=actor) as context:
            context.changeset.apply_answers(answers, {})
            context.save()


def _quotes(copy_id: UUID, *, scope: Tenant, actor: Actor) -> UUID:
    """Give the restaurant a bindable quote, a decline, a referral and a running request; return the quote."""
    by: dict[str, Any] = {"scope": scope, "actor": actor}
    quote, declined, referred, _ = (submit(copy_id, code, **by) for code in ("QM-BOP", "LF-BOP", "TT-WC", "LF-WC"))
    answer(copy_id, quote, premium=2451, subjectivities=(SIGNATURE,), **by)
    decline(copy_id, declined, "Open flame cooking without a serviced hood", **by)
    reasons = (Reason(code="U1", text="An underwriter looks at the loss"),)
    answer(copy_id, referred, status=QuoteStatus.REFERRED, reasons=reasons, **by)
    return UUID(quote)


def _request_first(copy_id: UUID, *, scope: Tenant, actor: Actor) -> str:
    """Request a quote of the first product that is open; return the request."""
    evaluation = batch.find(copy_id, scope=scope, actor=actor).evaluation
    product = next(code for code, found in evaluation.eligibility.items() if found.outcome in OPEN_OUTCOMES)
    return submit(copy_id, product, scope=scope, actor=actor)


def _operation(copies: Iterable[UUID], *, is_try: bool, scope: Tenant, actor: Actor) -> UUID:
    """Set an answer of all ``copies``, or try it; return the operation, which has ended."""
    order = NewOperation(
        kind="set_answers",
        items=[{"id": str(copy_id)} for copy_id in copies],
        arguments={"answers": {"mqs_annual_revenue": 900_000}},
        title="Gross revenue: 900,000",
        options=Options(dry_run=is_try),
    )
    operation_id = submit_operation(order, tenant=scope, actor=actor).operation.id
    drain("default")
    return operation_id


def _endpoint(tenant: Tenant) -> UUID:
    with use_tenant(tenant):
        endpoint = WebhookEndpoint.objects.create(
            id=uuid4(), tenant_id=tenant.id, url="https://hooks.example.com/partner-engine", event_types=["*"],
            secret=b"", created_at=timezone.now(), created_by="test",
        )  # fmt: skip
    return endpoint.pk
