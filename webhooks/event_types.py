"""The events for partners' systems: their types, the data of each, and the JSON Schema made from both. Pure.

Receivers ignore unknown fields: fields may be added, none is removed without a new type.
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
    one; ``is_test`` states whether the form is a test form. Events from before it existed are without it.
    """

    copy_id: str
    application_form_id: str
    version: int
    is_test: bool = False


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


class TestEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Sent on demand, to check whether an endpoint works."""

    endpoint_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EventType:
    """The types of one ``family`` with the same data, by the ``names`` that follow it; ``when`` is for the docs."""

    family: str
    names: tuple[str, ...]
    data: type[msgspec.Struct]
    when: str


_OF_COPIES: Final = (
    EventType(
        family="form",
        names=("created", "archived", "restored"),
        data=CopyEvent,
        when="a form is started, archived, restored",
    ),
    EventType(
        family="copy",
        names=("created", "renamed", "transferred", "locked", "unlocked", "made_base", "deleted", "restored"),
        data=CopyEvent,
        when="a copy is added, renamed, given another owner, locked, unlocked, made the base, deleted, restored",
    ),
    EventType(
        family="answers",
        names=("changed",),
        data=AnswersChanged,
        when="answers or rows changed, by a person, a program or a rule",
    ),
    EventType(
        family="question_set", names=("completed",), data=QuestionSetCompleted, when="a question set is complete"
    ),
    EventType(
        family="product",
        names=("outcome_changed",),
        data=ProductOutcomeChanged,
        when="the outcome, premium, reasons or missing answers of products changed",
    ),
)
_TEST: Final = EventType(family="webhook", names=("test",), data=TestEvent, when="a test was requested")
_registered: Final[dict[str, EventType]] = {}


def register_event_types(types: Iterable[EventType]) -> None:
    """Add the event types of other rooms, such as those of attached records; done when the product starts."""
    _registered.update({known.family: known for known in types})


def event_types() -> tuple[EventType, ...]:
    """Return all event types; the last one is that of tests."""
    return (*_OF_COPIES, *_registered.values(), _TEST)


def event_table() -> str:
    """Return the table of all event types for the docs, in Markdown."""
    rows = [
        f"| {', '.join(f'`{known.family}.{name}`' for name in known.names)} | {known.when} |" for known in event_types()
    ]
    return "\n".join(("| types | when |", "|---|---|", *rows))


def event_names() -> list[str]:
    """Return every type by its full name."""
    return [f"{known.family}.{name}" for known in event_types() for name in known.names]


def is_event_pattern(pattern: str) -> bool:
    """Return whether an endpoint can subscribe to ``pattern``: ``*``, a family's ``family.*``, or one type."""
    if pattern == ALL:
        return True
    match = _PATTERN.fullmatch(pattern)
    if match is None or len(pattern) > 64:
        return False
    family, name = match.groups()
    known = next((found for found in event_types() if found.family == family), None)
    return known is not None and (name == ALL or name in known.names)


def wants(patterns: Iterable[str], event_type: str) -> bool:
    """Return whether an endpoint with ``patterns`` receives ``event_type``."""
    return not {ALL, event_type, f"{event_type.partition('.')[0]}.{ALL}"}.isdisjoint(patterns)


def event_body(event_type: str, *, timestamp: datetime, data: dict[str, Any]) -> str:
    """Return the text that is signed and sent: the event and its time (``timestamp``)."""
    return msgspec.json.encode({"type": event_type, "timestamp": timestamp, "data": data}).decode()


def event_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of every event."""
    structs = {known.data for known in event_types()}
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
            for known in event_types()
        ],
        "$defs": definitions,
    }
