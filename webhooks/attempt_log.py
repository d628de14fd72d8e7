"""Records the result of an attempt: in the log, at its delivery, and at its endpoint, which may be paused or disabled.

Knows nothing of HTTP.
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
from webhooks.notices import notify_disabled
from webhooks.retry_schedule import (
    FAILURES_TO_PAUSE,
    GIVEN_UP_AFTER,
    PAUSE,
    failing_since,
    next_attempt,
    requested_seconds,
)

GONE: Final = 410
#: Statuses with which ``Retry-After`` is respected.
_BUSY: Final = (429, 503)
#: The longest pause that an endpoint can request with ``Retry-After``.
_LONGEST_PAUSE: Final = timedelta(hours=1)
#: Errors on our side, which count neither for nor against the endpoint.
OWN_ERRORS: Final = ("secret_does_not_open",)

log = structlog.get_logger(__name__)


def record(leased: LeasedDelivery, result: PostResult) -> None:
    """Record ``result``. If the lease expired and another process took it, only the log entry is stored."""
    now = leased.at + timedelta(seconds=result.duration)
    delivery = leased.delivery
    with across_tenants(using=leased.using), transaction.atomic(using=leased.using):
        # Lock the endpoint first, as every claim does, so that no two processes wait for each other.
        endpoint = WebhookEndpoint.objects.select_for_update().filter(pk=delivery.endpoint_id).first()
        if endpoint is None:
            return  # The endpoint was deleted meanwhile, with all its deliveries.
        WebhookAttempt.objects.create(
            tenant_id=delivery.tenant_id,
            delivery_id=delivery.id,
            number=leased.attempt,
            status=result.status,
            error=result.error,
            excerpt=result.excerpt,
            duration=round(result.duration * 1000),
            created_at=leased.at,
        )
        failpoint("webhook_noted")
        if not _finish(leased, result, now=now) or result.error in OWN_ERRORS:
            return
        if is_success(result):
            _clear(endpoint)
        else:
            _note_failure(endpoint, result, now=now)
            if endpoint.disabled_at == now:
                notify_disabled(endpoint, alias=leased.using)


def is_success(result: PostResult) -> bool:
    """Return whether the endpoint accepted the event: any 2xx."""
    return result.status is not None and 200 <= result.status < 300


def _finish(leased: LeasedDelivery, result: PostResult, *, now: datetime) -> bool:
    """Write the delivery's new state; return whether the lease was still valid."""
    delivery = leased.delivery
    again = None
    if is_success(result):
        state = DeliveryState.DELIVERED
    else:
        requested = requested_seconds(result.retry_after, now=now) if result.status in _BUSY else None
        if result.status != GONE:
            again = next_attempt(delivery.id, attempts=leased.attempt, now=now, requested=requested)
        state = DeliveryState.PENDING if again else DeliveryState.FAILED
    ours = WebhookDelivery.objects.filter(
        pk=delivery.id, state=DeliveryState.PENDING, attempts=leased.attempt, leased_until__isnull=False
    )
    changed = ours.update(state=state, next_attempt_at=again, leased_until=None, finished_at=None if again else now)
    return changed == 1


def _clear(endpoint: WebhookEndpoint) -> None:
    """Clear earlier failures; writes nothing for an endpoint without any."""
    if endpoint.failures:
        endpoint.failures = 0
        endpoint.failing_since = endpoint.last_failure_at = endpoint.paused_until = None
        endpoint.save(update_fields=["failures", "failing_since", "last_failure_at", "paused_until"])


def _note_failure(endpoint: WebhookEndpoint, result: PostResult, *, now: datetime) -> None:
    """Count a failure: pause the endpoint after several, disable it when it is gone or has failed for too long."""
    endpoint.failing_since = failing_since(endpoint.failing_since, last=endpoint.last_failure_at, now=now)
    endpoint.last_failure_at = now
    endpoint.failures += 1
    pause = PAUSE if endpoint.failures >= FAILURES_TO_PAUSE else timedelta(0)
    if result.status in _BUSY:
        requested = timedelta(
            seconds=min(requested_seconds(result.retry_after, now=now) or 0.0, _LONGEST_PAUSE.total_seconds())
        )
        pause = max(pause, requested)
    if pause:
        endpoint.paused_until = now + pause
    if result.status == GONE:
        _disable(endpoint, DisabledReason.GONE, now=now)
    elif now - endpoint.failing_since >= GIVEN_UP_AFTER:
        _disable(endpoint, DisabledReason.FAILING, now=now)
    fields = ["failing_since", "last_failure_at", "failures", "paused_until"]
    # The history of an endpoint has an entry for this.
    disabled = ["disabled_at", "disabled_reason"] if endpoint.disabled_at == now else []
    endpoint.save(update_fields=[*fields, *disabled])


def _disable(endpoint: WebhookEndpoint, reason: DisabledReason, *, now: datetime) -> None:
    if endpoint.disabled_at is None:
        endpoint.disabled_at = now
        endpoint.disabled_reason = reason
        log.warning("webhook_endpoint_disabled", endpoint=str(endpoint.id), reason=reason.value)
