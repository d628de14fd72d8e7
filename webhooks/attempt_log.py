"""Records what came of an attempt: in the log, at its delivery, and at its endpoint, which may be paused or disabled.

It does not know how the answer was had.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction

from failpoints import failpoint
from tenants.current_tenant import across_tenants
from webhooks.claims import LeasedDelivery
from webhooks.client import PostResult
from webhooks.models import DeliveryState, DisabledReason, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from webhooks.notices import tell_given_up
from webhooks.retry_schedule import FAILURES_TO_PAUSE, GIVEN_UP_AFTER, PAUSE, failing_since, next_attempt, seconds_asked

GONE: Final = 410
#: Statuses with which ``Retry-After`` is heeded.
_BUSY: Final = (429, 503)
#: An endpoint that asks for time is left alone altogether, but not for longer than this.
_LONGEST_PAUSE: Final = timedelta(hours=1)
#: Errors that are ours and say nothing about the endpoint.
OWN_ERRORS: Final = ("secret_does_not_open",)

log = structlog.get_logger(__name__)


def record(claimed: LeasedDelivery, answer: PostResult) -> None:
    """Record ``answer``. Of a lease that was over and taken by another only the log entry is kept."""
    now = claimed.at + timedelta(seconds=answer.duration)
    delivery = claimed.delivery
    with across_tenants(using=claimed.using), transaction.atomic(using=claimed.using):
        # First the endpoint, as every claim does: nobody waits for each other in a circle.
        endpoint = WebhookEndpoint.objects.select_for_update().filter(pk=delivery.endpoint_id).first()
        if endpoint is None:
            return  # deleted meanwhile, and all that was to be sent there with it
        WebhookAttempt.objects.create(
            tenant_id=delivery.tenant_id,
            delivery_id=delivery.id,
            number=claimed.attempt,
            status=answer.status,
            error=answer.error,
            excerpt=answer.excerpt,
            duration=round(answer.duration * 1000),
            created_at=claimed.at,
        )
        failpoint("webhook_noted")
        if not _finish(claimed, answer, now=now) or answer.error in OWN_ERRORS:
            return
        if is_success(answer):
            _clear(endpoint)
        else:
            _note_failure(endpoint, answer, now=now)
            if endpoint.disabled_at == now:
                tell_given_up(endpoint, alias=claimed.using)


def is_success(answer: PostResult) -> bool:
    """Tell whether the endpoint took the event: any 2xx."""
    return answer.status is not None and 200 <= answer.status < 300


def _finish(claimed: LeasedDelivery, answer: PostResult, *, now: datetime) -> bool:
    """Write how the delivery stands now; tell whether it was still ours."""
    delivery = claimed.delivery
    again = None
    if is_success(answer):
        state = DeliveryState.DELIVERED
    else:
        asked = seconds_asked(answer.retry_after, now=now) if answer.status in _BUSY else None
        if answer.status != GONE:
            again = next_attempt(delivery.id, attempts=claimed.attempt, now=now, asked=asked)
        state = DeliveryState.PENDING if again else DeliveryState.FAILED
    ours = WebhookDelivery.objects.filter(
        pk=delivery.id, state=DeliveryState.PENDING, attempts=claimed.attempt, leased_until__isnull=False
    )
    changed = ours.update(state=state, next_attempt_at=again, leased_until=None, finished_at=None if again else now)
    return changed == 1


def _clear(endpoint: WebhookEndpoint) -> None:
    """Forget earlier failures; of an endpoint without any nothing is written."""
    if endpoint.failures:
        endpoint.failures = 0
        endpoint.failing_since = endpoint.last_failure_at = endpoint.paused_until = None
        endpoint.save(update_fields=["failures", "failing_since", "last_failure_at", "paused_until"])


def _note_failure(endpoint: WebhookEndpoint, answer: PostResult, *, now: datetime) -> None:
    """Count a failure: pause the endpoint after some, disable it when it is gone or fails for too long."""
    endpoint.failing_since = failing_since(endpoint.failing_since, last=endpoint.last_failure_at, now=now)
    endpoint.last_failure_at = now
    endpoint.failures += 1
    pause = PAUSE if endpoint.failures >= FAILURES_TO_PAUSE else timedelta(0)
    if answer.status in _BUSY:
        asked = timedelta(
            seconds=min(seconds_asked(answer.retry_after, now=now) or 0.0, _LONGEST_PAUSE.total_seconds())
        )
        pause = max(pause, asked)
    if pause:
        endpoint.paused_until = now + pause
    if answer.status == GONE:
        _disable(endpoint, DisabledReason.GONE, now=now)
    elif now - endpoint.failing_since >= GIVEN_UP_AFTER:
        _disable(endpoint, DisabledReason.FAILING, now=now)
    endpoint.save(
        update_fields=[
            "failing_since", "last_failure_at", "failures", "paused_until", "disabled_at", "disabled_reason",
        ]
    )  # fmt: skip


def _disable(endpoint: WebhookEndpoint, reason: DisabledReason, *, now: datetime) -> None:
    if endpoint.disabled_at is None:
        endpoint.disabled_at = now
        endpoint.disabled_reason = reason
        log.warning("webhook_endpoint_disabled", endpoint=str(endpoint.id), reason=reason.value)
