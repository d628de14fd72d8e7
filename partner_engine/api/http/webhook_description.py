"""The section ``webhooks`` of the OpenAPI description: the request that endpoints of partners receive."""

from __future__ import annotations

from typing import Any, Final

from webhooks.event_types import event_schema, event_types

Schema = dict[str, Any]

_REF: Final = "#/components/schemas/{name}"
_HEADERS: Final = {
    "webhook-id": "The id of the event, the same in each attempt: process an id once.",
    "webhook-timestamp": "Seconds since 1970, when this attempt was signed.",
    "webhook-signature": "The signatures of id, timestamp and body (Standard Webhooks), separated by blanks.",
}


def describe_webhooks(shared: Schema) -> Schema:
    """Return the webhook, one for all events; add what it refers to to the ``shared`` components."""
    events = event_schema()
    for name, schema in events["$defs"].items():
        shared["schemas"].setdefault(name, _with_shared_references(schema))
    shared["schemas"]["WebhookEvent"] = {
        "type": "object",
        "description": "An event of a family; `data` is that of the family. Ignore fields that you do not know.",
        "required": events["required"],
        "properties": events["properties"],
    }
    return {"event": {"post": _operation()}}


def _operation() -> Schema:
    kinds = [
        {
            "properties": {
                "type": {"enum": [f"{known.family}.{name}" for name in known.names]},
                "data": {"$ref": _REF.format(name=known.data.__name__)},
            }
        }
        for known in event_types()
    ]
    body = {"allOf": [{"$ref": _REF.format(name="WebhookEvent")}, {"oneOf": kinds}]}
    return {
        "operationId": "receive_an_event",
        "summary": "Receive an event",
        "description": "Sent to the webhook endpoints that subscribe to the event's type, in at least one attempt.",
        "parameters": [
            {"name": name, "in": "header", "required": True, "schema": {"type": "string"}, "description": text}
            for name, text in _HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            "2XX": {"description": "Received. Every other response, and none within 15 seconds, is tried again."},
            "410": {"description": "The endpoint is gone: it is disabled."},
        },
    }


def _with_shared_references(part: Any) -> Any:
    """Return ``part`` with references to components in place of those within the schema of events."""
    if isinstance(part, dict):
        return {name: _with_shared_references(value) for name, value in part.items()}
    if isinstance(part, list):
        return [_with_shared_references(value) for value in part]
    return part.replace("#/$defs/", _REF.format(name="")) if isinstance(part, str) else part
