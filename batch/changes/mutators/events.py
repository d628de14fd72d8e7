"""Events of a copy, stored forever. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal, TypeAlias, get_args

from batch.changes.attached import AttachedRecord, RecordKind
from batch.changes.free_texts import clean_paragraphs
from batch.changes.record_mutator import RecordCollection, RecordMutator
from batch.errors import WrongValue
from webhooks.event_types import CopyEvent, EventType

EventKind: TypeAlias = Literal[
    "quote_request_selected",
    "application_form_retrieved",
    "external_transfer",
    "guest_flow_email_sent",
    "agent_needs_bind_assistance_email_sent",
    "bridged_to_off_platform_carrier",
    "declines_exported",
]
#: An export of the declines of a copy, which leaves a declination of every line with a decline.
DECLINES_EXPORTED: Final = "declines_exported"


MAX_DETAIL: Final = 500


class EventRow(AttachedRecord, frozen=True, kw_only=True):
    """One event."""

    kind: str
    actor_type: str
    actor_id: str = ""
    actor_label: str = ""
    source: str = ""
    details: dict[str, Any] = {}


class HappenedEvent(CopyEvent, frozen=True, kw_only=True):
    """An event of a copy; its kind is the type after ``event.``."""

    id: str
    details: dict[str, Any]


EVENTS: Final = RecordKind(
    name="events",
    struct=EventRow,
    model="forms.Event",
    shown=lambda row: row.kind,
    events=EventType(family="event", names=get_args(EventKind), data=HappenedEvent, when="this happened to the form"),
    emit=lambda before, after: ((after.kind, {"id": str(after.id), "details": after.details}),),
    append_only=True,
)


class EventMutator(RecordMutator[EventRow]):
    """One event of this unit of work; it never changes."""

    kind: ClassVar = EVENTS


class Events(RecordCollection[EventRow, EventMutator]):
    """The events that this unit of work adds; earlier ones are not loaded."""

    mutator: ClassVar = EventMutator

    def add(self, kind: EventKind, *, details: Mapping[str, Any] | None = None) -> EventMutator:
        """Record an event of ``kind`` by the present actor; ``details`` contain nothing sensitive.

        Raises ``WrongValue`` for an unknown kind or a text that cannot be shown, ``LooksSensitive`` for a detail that
        contains a personal number.
        """
        if kind not in get_args(EventKind):
            raise WrongValue("kind", f"it must be one of {', '.join(get_args(EventKind))}")
        cleaned = {
            clean_paragraphs(name, field="details", most=MAX_DETAIL): _clean_detail(name, value)
            for name, value in (details or {}).items()
        }
        by, label = self._tracker.by, self._tracker.context.actor.label
        return self._put(
            EventRow(
                id=self._tracker.new_id(),
                created_at=self._tracker.now,
                kind=kind,
                details=cleaned,
                actor_type=by.type,
                actor_id=by.id,
                actor_label=label,
                source=by.source,
            )
        )


def _clean_detail(name: str, value: object) -> object:
    """Return a detail cleaned if it is a text; numbers and truths are looked at as text."""
    cleaned = clean_paragraphs(str(value), field=f"details/{name}", most=MAX_DETAIL)
    return cleaned if isinstance(value, str) else value
