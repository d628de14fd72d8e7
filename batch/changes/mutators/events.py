"""Events: what happened to a copy and is kept for good. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal, TypeAlias, get_args

from batch.changes.attached import AttachedRecord, RecordCollection, RecordKind, RecordMutator
from batch.changes.pii_guard import refuse_private_numbers
from batch.errors import WrongValue

EventKind: TypeAlias = Literal[
    "quote_request_selected",
    "application_form_retrieved",
    "external_transfer",
    "guest_flow_email_sent",
    "agent_needs_bind_assistance_email_sent",
    "bridged_to_off_platform_carrier",
]


class EventRow(AttachedRecord, frozen=True, kw_only=True):
    """One event."""

    kind: str
    actor_type: str
    actor_id: str = ""
    actor_label: str = ""
    source: str = ""
    details: dict[str, Any] = {}


EVENTS: Final = RecordKind(
    name="events",
    struct=EventRow,
    shown=lambda row: row.kind,
    tell=lambda before, after: ((f"event.{after.kind}", {"id": str(after.id), "details": after.details}),),
    is_appended=True,
)


class EventMutator(RecordMutator[EventRow]):
    """One event of this unit of work. There is nothing to change about it."""

    kind: ClassVar = EVENTS


class Events(RecordCollection[EventRow, EventMutator]):
    """The events that this unit of work adds; earlier ones are not loaded."""

    mutator: ClassVar = EventMutator

    def add(self, kind: EventKind, *, details: Mapping[str, Any] | None = None) -> EventMutator:
        """Keep that ``kind`` happened now, by the actor at work; ``details`` hold nothing sensitive.

        Raises ``WrongValue`` for an unknown kind, ``LooksSensitive`` for a detail that looks like somebody's number.
        """
        if kind not in get_args(EventKind):
            raise WrongValue("kind", f"it must be one of {', '.join(get_args(EventKind))}")
        for name, value in (details or {}).items():
            refuse_private_numbers(str(value), field=f"details/{name}")
        origin = self._ledger.origin
        return self._put(
            EventRow(
                id=self._ledger.new_id(),
                created_at=self._ledger.now,
                kind=kind,
                details=dict(details or {}),
                actor_type=origin.by.type,
                actor_id=origin.by.id,
                actor_label=origin.label,
                source=origin.by.source,
            )
        )
