"""The handler of ``PublishWebhook``: one event becomes one payload in the feed, and a delivery
per subscribed endpoint.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from django.db import transaction

from actions.registry import Delivered
from webhooks.event_types import event_body, wants
from webhooks.feed import next_position
from webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookPayload
from webhooks.wakeup import wake_deliveries

#: Removes from the data of a form's event what may not leave by now; called with the form's id, in the tenant's scope.
Redaction: TypeAlias = Callable[[str, dict[str, Any]], None]
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
    """Store the event of ``action`` for the feed and for every subscribed endpoint of the tenant; idempotent.

    Payload and deliveries are stored in one transaction, so a stored payload has all its deliveries: an endpoint added
    later receives no earlier events.
    """
    event_type = str(action.payload["event_type"])
    is_test = _is_test(action.payload)
    endpoints = [
        endpoint
        for endpoint in WebhookEndpoint.objects.filter(disabled_at=None).only("id", "event_types", "has_test_forms")
        if wants(endpoint.event_types, event_type) and (endpoint.has_test_forms or not is_test)
    ]
    with transaction.atomic(using=action.tenant.database_alias):
        payload = _payload(action, event_type, is_test=is_test)
        if not WebhookPayload.objects.filter(pk=payload.id).exists():
            payload.position = next_position(action.tenant)
            # Another run may still come first: then the key refuses this one, and the retry finds it.
            payload.save(force_insert=True)
            WebhookDelivery.objects.bulk_create(
                WebhookDelivery(
                    tenant_id=action.tenant.id,
                    endpoint=endpoint,
                    payload=payload,
                    next_attempt_at=action.created_at,
                    created_at=action.created_at,
                )
                for endpoint in endpoints
            )
    if endpoints:
        wake_deliveries(action.tenant.database_alias)


def _is_test(payload: dict[str, Any]) -> bool:
    """Return whether the event is of a test form; actions that an earlier edition stored do not state it."""
    if "is_test" in payload:
        return bool(payload["is_test"])
    form_id = payload["application_form_id"] if payload["copy_id"] else ""
    return bool(form_id) and any(is_test_form(form_id) for is_test_form in _test_forms)


def _payload(action: Delivered, event_type: str, *, is_test: bool) -> WebhookPayload:
    payload = action.payload
    data = payload["data"]
    # Events of batch operations are of no form.
    if payload["copy_id"]:
        for redact in _redactions:
            redact(payload["application_form_id"], data)
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
