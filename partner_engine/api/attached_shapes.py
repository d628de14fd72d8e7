"""Request and response shapes of the records attached to a copy: posted messages, events, processes, and question sets
that are added by hand.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, get_args
from uuid import UUID

import msgspec
from msgspec import Meta

from batch.changes.mutators.events import EventRow
from batch.changes.mutators.messages import MAX_TEXT, About, MessageRow, Severity
from forms.models import Event, Message, Process
from partner_engine.api.bodies import Code
from partner_engine.api.http.input import Body
from presentation.listed_values import ActorType, one_of

#: The kinds of events that callers may add; the product records all others itself.
CallersEvent = Literal["application_form_retrieved", "external_transfer", "bridged_to_off_platform_carrier"]
Details = Annotated[
    dict[Annotated[str, Meta(min_length=1, max_length=64)], Annotated[str, Meta(max_length=500)]],
    Meta(max_length=20),
]


class NewMessage(Body, frozen=True, kw_only=True):
    """A message to post: plain text without sensitive values. ``path`` names the answer or row that it concerns."""

    text: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]
    severity: Severity = "info"
    path: Annotated[str, Meta(max_length=300)] = ""


class NewQuestionSet(Body, frozen=True, kw_only=True):
    """A question set of the catalogue, to be added to a copy."""

    code: Code


class NewEvent(Body, frozen=True, kw_only=True):
    """An event to record; its ``details`` are stored and published, so they must not be sensitive."""

    kind: CallersEvent
    details: Details = {}


class Who(msgspec.Struct, frozen=True):
    """The author of a message or the actor of an event."""

    type: ActorType
    id: str
    name: str


class PostedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a person, a system or a process. ``kind`` and ``path`` state which part of the copy it concerns."""

    id: UUID
    kind: Annotated[str, one_of(*get_args(About))]
    severity: Annotated[str, one_of(*get_args(Severity))]
    path: str
    text: str
    by: Who
    created_at: datetime


class PostedMessagePage(msgspec.Struct, frozen=True):
    """A page of posted messages, newest first; ``next`` is the URL of the next page."""

    results: list[PostedMessage]
    next: str | None


class EventShape(msgspec.Struct, frozen=True, kw_only=True):
    """A permanent event of a copy. ``source`` is its entry point (web, api, admin, job)."""

    id: UUID
    kind: str
    details: dict[str, str]
    by: Who
    source: str
    created_at: datetime


class EventPage(msgspec.Struct, frozen=True):
    """A page of events, newest first; ``next`` is the URL of the next page."""

    results: list[EventShape]
    next: str | None


class ProcessShape(msgspec.Struct, frozen=True, kw_only=True):
    """A long-running process on a copy. ``step`` is the current step, ``attempts`` the number of starts."""

    id: UUID
    kind: str
    state: Literal["running", "waiting", "completed", "failed"]
    step: str
    attempts: int
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None


class ProcessPage(msgspec.Struct, frozen=True):
    """A page of processes, newest first; ``next`` is the URL of the next page."""

    results: list[ProcessShape]
    next: str | None


def posted_message(row: Message | MessageRow) -> PostedMessage:
    """Return the shape of a posted message."""
    return PostedMessage(
        id=row.id,
        kind=row.kind,
        severity=row.severity,
        path=row.path,
        text=row.text,
        by=Who(row.author_type, row.author_id, row.author_label),
        created_at=row.created_at,
    )


def event(row: Event | EventRow) -> EventShape:
    """Return the shape of a recorded event."""
    return EventShape(
        id=row.id,
        kind=row.kind,
        details={name: str(value) for name, value in row.details.items()},
        by=Who(row.actor_type, row.actor_id, row.actor_label),
        source=row.source,
        created_at=row.created_at,
    )


def process(row: Process) -> ProcessShape:
    """Return the shape of a process, without its internal state and its error, which only staff may see."""
    return ProcessShape(**{name: getattr(row, name) for name in ProcessShape.__struct_fields__})
