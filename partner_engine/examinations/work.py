"""Checks of the work under way: forms, outbox, webhooks, quotes, carriers, operations, catalogues, sign-ins."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Min, Q, Sum

from actions.models import ActionState, OutboxAction
from carriers.links.inspection import breaker_views
from carriers.models import CarrierLink
from catalogue.models import Catalogue
from forms.models import ApplicationForm, QuoteRequest
from operations.models import BatchOperation
from partner_engine.ages import age
from partner_engine.draft_state import draft_states
from partner_engine.examinations.check import COUNTED, Check, Finding, bounded
from webhooks.models import DeliveryState, DisabledReason, WebhookDelivery, WebhookEndpoint

HOURS: Final = 24
#: An action or a delivery that waits for longer than this is a warning.
LONG_WAIT: Final = timedelta(minutes=5)
#: The endpoints that cannot be reached now, or were given up.
FAILING_ENDPOINTS: Final = Q(disabled_at=None, failures__gt=0) | Q(
    disabled_reason__in=(DisabledReason.GONE, DisabledReason.FAILING)
)
_OUTBOX: Final = ("actions", "outboxaction")


def check_forms(now: datetime) -> Finding:
    """Count the forms."""
    forms = ApplicationForm.objects.filter(deleted_at=None)
    _, total = bounded(forms)
    _, started = bounded(forms.filter(created_at__gte=now - timedelta(hours=HOURS)))
    return Finding(figure=total, text=f"{started} started in the last day")


def check_outbox(now: datetime) -> Finding:
    """Check that no action has been due for long."""
    rows = OutboxAction.objects.filter(state=ActionState.WAITING)
    waiting, figure = bounded(rows)
    oldest = rows.filter(next_attempt_at__lte=now).aggregate(since=Min("next_attempt_at"))["since"]
    is_late = oldest is not None and now - oldest > LONG_WAIT
    due = f"the oldest has been due for {age(oldest)}" if oldest else "nothing is due"
    text = due if waiting else "nothing is waiting"
    return Finding(figure=figure, text=text, tone="warn" if is_late else "good", query={"state": "due"})


def check_failing_actions(now: datetime) -> Finding:
    """Check that no action fails."""
    rows = OutboxAction.objects.filter(state=ActionState.WAITING, attempts__gt=0, last_error__gt="")
    failing, figure = bounded(rows)
    text, query = "failed and will be tried again", {"state": "failing"}
    return Finding(figure=figure, text=text, tone="warn" if failing else "good", query=query)


def check_dead_letters(now: datetime) -> Finding:
    """Check that no action was given up."""
    dead, figure = bounded(OutboxAction.objects.filter(state=ActionState.DEAD))
    text, query = "actions that are not tried again", {"state": "dead"}
    return Finding(figure=figure, text=text, tone="bad" if dead else "good", query=query)


def check_endpoints(now: datetime) -> Finding:
    """Check that every webhook endpoint responds."""
    failing, figure = bounded(WebhookEndpoint.objects.filter(FAILING_ENDPOINTS))
    text = "do not respond, or were given up" if failing else "every endpoint responds"
    return Finding(figure=figure, text=text, tone="bad" if failing else "good", query={"state": "failing"})


def check_deliveries(now: datetime) -> Finding:
    """Check that no webhook delivery has waited for long."""
    rows = WebhookDelivery.objects.filter(state=DeliveryState.PENDING)
    _, figure = bounded(rows)
    oldest = rows.aggregate(since=Min("created_at"))["since"]
    is_late = oldest is not None and now - oldest > LONG_WAIT
    text = f"the oldest has waited for {age(oldest)}" if oldest else "nothing is waiting"
    query = {"state__exact": DeliveryState.PENDING.value}
    return Finding(figure=figure, text=text, tone="warn" if is_late else "good", query=query)


def check_given_up_deliveries(now: datetime) -> Finding:
    """Check that no webhook delivery was given up in the last day."""
    lately = WebhookDelivery.objects.filter(state=DeliveryState.FAILED, finished_at__gte=now - timedelta(hours=HOURS))
    failed, figure = bounded(lately)
    query = {"state__exact": DeliveryState.FAILED.value}
    return Finding(figure=figure, text="given up in the last day", tone="warn" if failed else "good", query=query)


def check_quotes(now: datetime) -> Finding:
    """Check that no quote request failed in the last day."""
    lately = QuoteRequest.objects.filter(state=QuoteRequest.State.FAILED, updated_at__gte=now - timedelta(hours=HOURS))
    failed, figure = bounded(lately)
    text, query = "failed in the last day", {"state": "failed"}
    return Finding(figure=figure, text=text, tone="warn" if failed else "good", query=query)


def check_circuits(now: datetime) -> Finding:
    """Check that every carrier responds; calls to others are only tries. Raises ``RedisError``."""
    carriers = dict(CarrierLink.objects.filter(is_enabled=True).values_list("base_url", "carrier")[:COUNTED])
    views = breaker_views(carriers)
    silent = sorted({carrier for address, carrier in carriers.items() if views[address].is_open})
    text = f"not responding: {', '.join(silent)}" if silent else "every carrier responds"
    return Finding(figure=f"{len(silent):,}", text=text, tone="bad" if silent else "good")


def check_operations(now: datetime) -> Finding:
    """Count the operations under way."""
    _, figure = bounded(BatchOperation.objects.filter(finished_at=None, paused_at=None))
    return Finding(figure=figure, text="waiting or running", query={"state": "open"})


def check_stopped_operations(now: datetime) -> Finding:
    """Check that no operation is stopped."""
    stopped, figure = bounded(BatchOperation.objects.filter(finished_at=None, paused_at__isnull=False))
    text = "paused, by a person or by failures" if stopped else "none is paused"
    return Finding(figure=figure, text=text, tone="warn" if stopped else "good", query={"state": "paused"})


def check_failed_operations(now: datetime) -> Finding:
    """Check that no item of an operation failed in the last day."""
    lately = BatchOperation.objects.filter(created_at__gte=now - timedelta(hours=HOURS), failed__gt=0)
    failed, figure = bounded(lately)
    text, query = "submitted in the last day", {"state": "failed"}
    return Finding(figure=figure, text=text, tone="warn" if failed else "good", query=query)


def check_drafts(now: datetime) -> Finding:
    """Check that every draft is published and without faults."""
    catalogues = list(Catalogue.objects.all())
    states = draft_states(catalogues)
    named = [(catalogue.title, states[catalogue.pk]) for catalogue in catalogues]
    open_drafts = [f"{title} ({state.short_text})" for title, state in named if not state.is_published]
    text = "; ".join(open_drafts) or "every draft is published"
    return Finding(figure=f"{len(open_drafts):,}", text=text, tone="warn" if open_drafts else "good")


def check_failed_sign_ins(now: datetime) -> Finding:
    """Count the failed sign-ins of the last day."""
    lately = AccessAttempt.objects.filter(attempt_time__gte=now - timedelta(hours=HOURS))
    failures = lately.aggregate(all=Sum("failures_since_start"))["all"] or 0
    return Finding(figure=f"{failures:,}", text="in the last day, without a successful sign-in since")


def check_lock_outs(now: datetime) -> Finding:
    """Check that nobody is locked out."""
    rows = AccessAttempt.objects.filter(
        failures_since_start__gte=settings.AXES_FAILURE_LIMIT, attempt_time__gte=now - settings.AXES_COOLOFF_TIME
    )
    locked, figure = bounded(rows)
    return Finding(figure=figure, text="users who cannot try again yet", tone="warn" if locked else "good")


WORK_CHECKS: Final[Iterable[Check]] = (
    Check(title="Application forms", label=("forms", "applicationform"), look=check_forms),
    Check(
        title="Outbox",
        label=_OUTBOX,
        look=check_outbox,
        remedy="See whether the relay runs; start more relays if there is much to do.",
    ),
    Check(
        title="Failing actions",
        label=_OUTBOX,
        look=check_failing_actions,
        remedy="They are tried again by themselves; their last error says what failed.",
    ),
    Check(
        title="Dead letters",
        label=_OUTBOX,
        look=check_dead_letters,
        remedy="Fix the cause, then run them again or drop them.",
    ),
    Check(
        title="Failing endpoints",
        label=("webhooks", "webhookendpoint"),
        look=check_endpoints,
        remedy="Ask the partner to repair the endpoint, then turn it on again, or turn it off.",
    ),
    Check(
        title="Waiting deliveries",
        label=("webhooks", "webhookdelivery"),
        look=check_deliveries,
        remedy="See which endpoint does not respond, and whether the relay runs.",
    ),
    Check(
        title="Deliveries given up",
        label=("webhooks", "webhookdelivery"),
        look=check_given_up_deliveries,
        remedy="Send them again when the endpoint responds.",
    ),
    Check(
        title="Failed quotes",
        label=("forms", "quoterequest"),
        look=check_quotes,
        remedy="Read the reason, correct the link or the form, and ask again.",
    ),
    Check(
        title="Open circuits",
        label=("carriers", "carrierlink"),
        look=check_circuits,
        remedy="Ask the carrier. Close the circuit when it responds again.",
    ),
    Check(title="Operations", label=("operations", "batchoperation"), look=check_operations),
    Check(
        title="Stopped operations",
        label=("operations", "batchoperation"),
        look=check_stopped_operations,
        remedy="Read why it stopped, then resume or cancel it.",
    ),
    Check(
        title="Operations with failures",
        label=("operations", "batchoperation"),
        look=check_failed_operations,
        remedy="Open the operation: each failed item says why.",
    ),
    Check(
        title="Unpublished drafts",
        label=("catalogue", "catalogue"),
        look=check_drafts,
        remedy="Check the draft and publish it, or take its changes back.",
    ),
    Check(title="Failed sign-ins", label=("axes", "accessattempt"), look=check_failed_sign_ins),
    Check(
        title="Locked out",
        label=("axes", "accessattempt"),
        look=check_lock_outs,
        remedy="Delete the row of a person whom you know to let them try again.",
    ),
)
