"""The handler of ``PublishWebhook``: each event becomes one payload in the feed, and a delivery per subscribed
endpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from django.db import transaction

from actions.registry import Delivered
from webhooks.event_types import event_body, wants
from webhooks.feed import next_position
from webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookPayload
from webhooks.wakeup import wake_deliveries

#: Removes from the data of forms' events what may not leave by now; called with form ids and data, in the tenant's
#: scope.
Redaction: TypeAlias = Callable[[Sequence[tuple[str, dict[str, Any]]]], None]
_redactions: Final[list[Redaction]] = []
#: Returns whether the form with this id is a test form; called in the tenant's scope.
TestForms: TypeAlias = Callable[[str], bool]
_test_forms: Final[list[TestForms]] = []


def register_redaction(redaction: Redaction) -> None:
    """Apply ``redaction`` to every event when its payload is made; done when the product starts."""
    if redaction not in _redactions:
        _redactions.append(redaction)


def register_test_forms(is_test_form: TestForms) -> None:
    """Look test forms up by ``is_test_form``; done when the product starts."""
    if is_test_form not in _test_forms:
        _test_forms.append(is_test_form)


def publish(action: Delivered) -> None:
    """Store the event of ``action`` for the feed and for every subscribed endpoint of the tenant; idempotent."""
    publish_many([action])


def publish_many(actions: Sequence[Delivered]) -> None:
    """Store the events of ``actions``, all of one tenant, for the feed and for every subscribed endpoint; idempotent.

    Payloads and deliveries are stored in one transaction, so a stored payload has all its deliveries: an endpoint added
    later receives no earlier events.
    """
    tenant = actions[0].tenant
    endpoints = list(WebhookEndpoint.objects.filter(disabled_at=None).only("id", "event_types", "has_test_forms"))
    _redact(actions)
    payloads = [_payload(action) for action in actions]
    with transaction.atomic(using=tenant.database_alias):
        stored = WebhookPayload.objects.filter(pk__in=[payload.id for payload in payloads])
        known = set(stored.order_by().values_list("pk", flat=True))
        new = [payload for payload in payloads if payload.id not in known]
        first = next_position(tenant) if new else 0
        for position, payload in enumerate(new, first):
            payload.position = position
        # Another run may still come first: then the key refuses this one, and the retry finds it.
        WebhookPayload.objects.bulk_create(new)
        deliveries = [
            WebhookDelivery(
                tenant_id=tenant.id,
                endpoint=endpoint,
                payload=payload,
                next_attempt_at=payload.created_at,
                created_at=payload.created_at,
            )
            for payload in new
            for endpoint in endpoints
            if _is_for(endpoint, payload)
        ]
        WebhookDelivery.objects.bulk_create(deliveries)
    # After a worker that was killed before it could do so, too.
    if any(_is_for(endpoint, payload) for endpoint in endpoints for payload in payloads):
        wake_deliveries(tenant.database_alias)


def _is_for(endpoint: WebhookEndpoint, payload: WebhookPayload) -> bool:
    return wants(endpoint.event_types, payload.event_type) and (endpoint.has_test_forms or not payload.is_test)


def _redact(actions: Sequence[Delivered]) -> None:
    """Remove from the data of the events what may not leave by now."""
    # Events of batch operations are of no form.
    events = [
        (action.payload["application_form_id"], action.payload["data"])
        for action in actions
        if action.payload["copy_id"]
    ]
    for redact in _redactions:
        redact(events)


def _is_test(payload: dict[str, Any]) -> bool:
    """Return whether the event is of a test form; actions that an earlier edition stored do not state it."""
    if "is_test" in payload:
        return bool(payload["is_test"])
    form_id = payload["application_form_id"] if payload["copy_id"] else ""
    return bool(form_id) and any(is_test_form(form_id) for is_test_form in _test_forms)


def _payload(action: Delivered) -> WebhookPayload:
    payload = action.payload
    data, event_type, is_test = payload["data"], str(payload["event_type"]), _is_test(payload)
    if payload["copy_id"]:
        of_copy = {name: payload[name] for name in ("copy_id", "application_form_id", "version")}
        data = {**of_copy, "is_test": is_test, **data}
    return WebhookPayload(
        id=action.id,
        tenant_id=action.tenant.id,
        event_type=event_type,
        copy_id=action.copy_id,
        version=action.version,
        is_test=is_test,
        body=event_body(event_type, timestamp=action.created_at, data=data),
        correlation_id=action.correlation_id,
        created_at=action.created_at,
    )
