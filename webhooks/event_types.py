"""The event types of webhooks, the content of each, and the JSON Schema made from them. Pure.

Receivers ignore unknown fields: fields may be added, and none is removed without a new type.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

ALL: Final = "*"
TEST: Final = "webhook.test"
#: A type, or all types of a family (``quote_request.*``), to which an endpoint can subscribe.
_PATTERN: Final = re.compile(r"([a-z][a-z0-9_]*)\.(\*|[a-z][a-z0-9_.]*)")
_DEFS: Final = "#/$defs/{name}"


class CopyEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The common part of every event of a copy. ``version`` is the copy's sequence number: the higher one is the later
    one.
    """

    copy_id: str
    application_form_id: str
    version: int


class AnswersChanged(CopyEvent, frozen=True, kw_only=True):
    """Changed answers. ``changes`` hold path, before, after and cause; for a sensitive or personal answer ``sensitive``
    replaces the values.
    """

    changes: list[dict[str, Any]]


class QuestionSetCompleted(CopyEvent, frozen=True, kw_only=True):
    """Every required answer of ``question_set`` is present."""

    question_set: str


class ProductOutcomeChanged(CopyEvent, frozen=True, kw_only=True):
    """Products whose outcome changed; null for a product that is no longer offered."""

    products: dict[str, dict[str, Any] | None]


class MessageEvent(CopyEvent, frozen=True, kw_only=True):
    """One message; its ``text`` is present only when it is added."""

    id: str
    kind: str
    severity: str
    path: str
    text: str = ""


class QuoteRequestEvent(CopyEvent, frozen=True, kw_only=True):
    """One quote request in its new state."""

    id: str
    product: str
    carrier: str
    premium: int | None
    is_bindable: bool
    reason: str


class ProcessEvent(CopyEvent, frozen=True, kw_only=True):
    """One process in its new state."""

    id: str
    kind: str
    step: str


class DispositionEvent(CopyEvent, frozen=True, kw_only=True):
    """How the application ended, or that this was undone."""

    id: str
    code: str
    reason: str


class GuestLinkEvent(CopyEvent, frozen=True, kw_only=True):
    """One guest link; neither the link nor the guest's name is included."""

    id: str
    expires_at: datetime


class PaymentMethodEvent(CopyEvent, frozen=True, kw_only=True):
    """One payment method; its numbers are not included."""

    id: str
    kind: str


class EligibilityResult(CopyEvent, frozen=True, kw_only=True):
    """A carrier's own decision on a product."""

    product: str
    question_set: str
    outcome: str
    reasons: list[str]


class HappenedEvent(CopyEvent, frozen=True, kw_only=True):
    """Something that happened, of the kind that follows ``event.`` in the type."""

    id: str
    details: dict[str, Any]


class TestEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Sent on demand, to check whether an endpoint works."""

    endpoint_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EventType:
    """Event types of one ``family`` with the same content; ``names`` follow the family."""

    family: str
    names: tuple[str, ...]
    data: type[msgspec.Struct]


_QUOTE_STATES: Final = (
    "draft", "queued", "submitted", "quoted", "referred", "declined", "failed", "stale", "selected", "withdrawn",
)  # fmt: skip
_HAPPENINGS: Final = (
    "quote_request_selected", "application_form_retrieved", "external_transfer", "guest_flow_email_sent",
    "agent_needs_bind_assistance_email_sent", "bridged_to_off_platform_carrier",
)  # fmt: skip
EVENT_TYPES: Final = (
    EventType(family="form", names=("created", "archived", "restored"), data=CopyEvent),
    EventType(
        family="copy",
        names=("created", "renamed", "locked", "unlocked", "deleted", "restored"),
        data=CopyEvent,
    ),
    EventType(family="answers", names=("changed",), data=AnswersChanged),
    EventType(family="question_set", names=("completed",), data=QuestionSetCompleted),
    EventType(family="product", names=("outcome_changed",), data=ProductOutcomeChanged),
    EventType(family="message", names=("added", "dismissed"), data=MessageEvent),
    EventType(family="quote_request", names=_QUOTE_STATES, data=QuoteRequestEvent),
    EventType(family="process", names=("running", "waiting", "completed", "failed"), data=ProcessEvent),
    EventType(family="disposition", names=("given", "taken_back"), data=DispositionEvent),
    EventType(family="guest_link", names=("issued", "followed", "finished", "revoked"), data=GuestLinkEvent),
    EventType(family="payment_method", names=("added", "removed"), data=PaymentMethodEvent),
    EventType(family="eligibility_result", names=("recorded",), data=EligibilityResult),
    EventType(family="event", names=_HAPPENINGS, data=HappenedEvent),
    EventType(family="webhook", names=("test",), data=TestEvent),
)


def event_names() -> list[str]:
    """Return every type by its full name."""
    return [f"{known.family}.{name}" for known in EVENT_TYPES for name in known.names]


def is_event_pattern(pattern: str) -> bool:
    """Return whether an endpoint can subscribe to ``pattern``: ``*``, a family's ``family.*``, or one type."""
    if pattern == ALL:
        return True
    match = _PATTERN.fullmatch(pattern)
    if match is None or len(pattern) > 64:
        return False
    family, name = match.groups()
    known = next((found for found in EVENT_TYPES if found.family == family), None)
    return known is not None and (name == ALL or name in known.names)


def wants(patterns: Iterable[str], event_type: str) -> bool:
    """Return whether an endpoint with ``patterns`` receives ``event_type``."""
    return not {ALL, event_type, f"{event_type.partition('.')[0]}.{ALL}"}.isdisjoint(patterns)


def event_body(event_type: str, *, timestamp: datetime, data: dict[str, Any]) -> str:
    """Return the text that is signed and sent: the event and its time (``timestamp``)."""
    return msgspec.json.encode({"type": event_type, "timestamp": timestamp, "data": data}).decode()


def event_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of every event."""
    structs = {known.data for known in EVENT_TYPES}
    _, definitions = msgspec.json.schema_components(
        sorted(structs, key=lambda struct: struct.__name__), ref_template=_DEFS
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Webhook event",
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"enum": event_names()},
            "timestamp": {"type": "string", "format": "date-time"},
            "data": {"type": "object"},
        },
        "allOf": [
            {
                "if": {"properties": {"type": {"enum": [f"{known.family}.{name}" for name in known.names]}}},
                "then": {"properties": {"data": {"$ref": _DEFS.format(name=known.data.__name__)}}},
            }
            for known in EVENT_TYPES
        ],
        "$defs": definitions,
    }
