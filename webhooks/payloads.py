"""The handler of ``PublishWebhook``: each event becomes one payload in the feed, and a delivery per subscribed
endpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from actions.registry import Delivered
from webhooks.event_types import event_body, wants
from webhooks.feed import ActiveEndpoint, NewEvent, active_endpoints, store_events
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
    endpoints = active_endpoints(tenant)
    _redact(actions)
    events = [_event(action) for action in actions]
    receivers = [(event, endpoint.id) for event in events for endpoint in endpoints if _is_for(endpoint, event)]
    store_events(events, receivers, tenant=tenant)
    # After a worker that was killed before it could do so, too.
    if receivers:
        wake_deliveries(tenant.database_alias)


def _is_for(endpoint: ActiveEndpoint, event: NewEvent) -> bool:
    return wants(endpoint.event_types, event.event_type) and (endpoint.has_test_forms or not event.is_test)


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


def _event(action: Delivered) -> NewEvent:
    payload = action.payload
    data, event_type, is_test = payload["data"], str(payload["event_type"]), _is_test(payload)
    if payload["copy_id"]:
        of_copy = {name: payload[name] for name in ("copy_id", "application_form_id", "version")}
        data = {**of_copy, "is_test": is_test, **data}
    return NewEvent(
        id=action.id,
        event_type=event_type,
        copy_id=action.copy_id,
        version=action.version,
        is_test=is_test,
        body=event_body(event_type, timestamp=action.created_at, data=data),
        correlation_id=action.correlation_id,
        created_at=action.created_at,
    )
